"""The registry of formats: what it finds, and how it chooses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lgnx.converters.formats import (
    Option,
    find_format,
    formats,
    read_model,
    source_format,
    target_format,
)
from lgnx.ops.errors import InputError, ModelError


def test_formats_are_found_without_any_extra() -> None:
    code = (
        "import sys\n"
        "from lgnx.converters.formats import formats\n"
        "assert formats()\n"
        "heavy = {'torch', 'torchlogix', 'sklearn', 'treelite', 'aigverse', 'pyosys', 'yaml'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("format", formats(), ids=lambda format: format.name)
def test_every_format_says_what_it_reads_and_writes(format) -> None:
    assert format.title
    assert all(s == s.lower() and s.startswith(".") for s in format.suffixes)
    assert (format.read is None) or format.reads
    assert (format.write is None) or format.writes
    assert format.read or format.write or format.python
    page = Path(__file__).parents[2] / "docs" / "formats" / f"{format.name}.md"
    assert format.name == "onnx" or page.is_file(), f"{page} is missing"


def test_a_suffix_chooses_one_format_to_write() -> None:
    for format in formats():
        if format.write is not None and format.suffixes:
            assert target_format(Path(f"net{format.suffixes[0]}")).write is not None


def test_a_file_without_a_known_suffix_needs_a_name(tmp_path: Path) -> None:
    path = tmp_path / "net.frob"
    path.write_bytes(b"")
    with pytest.raises(InputError, match="or say which format it is with --from"):
        source_format(path)
    with pytest.raises(InputError, match="or say which format it is with --to"):
        target_format(path)
    assert source_format(path, "onnx").name == "onnx"
    with pytest.raises(ModelError, match="is a folder, not a file"):
        read_model(tmp_path)


def test_an_option_takes_text_and_values() -> None:
    word = Option("word", int, 64, "bits", (32, 64))
    assert word.parse("32", "writing c") == 32
    with pytest.raises(InputError, match="writing c: option word: '16', must be 32, 64"):
        word.parse("16", "writing c")
    with pytest.raises(InputError, match="option flag: 'maybe', must be true or false"):
        Option("flag", bool, False, "").parse("maybe", "writing c")
    with pytest.raises(InputError, match="option n: 'x', must be a whole number"):
        Option("n", int, 1, "").parse("x", "writing c")
    with pytest.raises(InputError, match="there is no format 'x'"):
        find_format("x")


def test_the_index_of_the_docs_lists_every_format() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text()
    for format in formats():
        assert f"formats/{format.name}.md" in page or f"| `{format.name}` |" in page, format.name
