"""C: a network as one pair of C99 files, without allocation and without a library.

docs/formats/c.md tells users of it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import lgnx
from lgnx.converters import c99_text as text
from lgnx.converters.c99_code import Code, rows, statements, tables
from lgnx.converters.c99_gates import SECTION_LINES, Gates, gates_of
from lgnx.converters.c99_input import TYPES, literal, pack
from lgnx.converters.formats import Format, Option
from lgnx.files import atomic_path, model_name
from lgnx.metadata import CLASS_NAMES, names_of
from lgnx.network import Network
from lgnx.ops.errors import InputError, ModelError

MOST_STATEMENTS = 30_000
"""Gates up to which ``style=auto`` writes statements."""

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


def write_c(
    model: Any,
    path: str | Path,
    *,
    prefix: str = "",
    word: int = 64,
    line: int = 8,
    style: str = "auto",
) -> list[Path]:
    """Write a model as a C99 source file and its header.

    Parameters
    ----------
    model
        Path, bytes or ModelProto of a model that lowers to one LogicNetwork.
    path
        The source file, ``NAME.c``; the header ``NAME.h`` lies beside it.
    prefix
        What all names of the files begin with; empty makes one of the file's name.
    word
        Bits of a word, 32 or 64.
    line
        Words of a line: so many times ``word`` samples are evaluated at once.
    style
        ``code``: gates are statements; ``table``: a loop reads them from tables; ``auto``: tables
        for networks of more than 30,000 gates.

    Returns
    -------
    list of pathlib.Path
        Source file and header.

    Raises
    ------
    ModelError
        If C cannot represent the model; nothing is written.
    InputError
        If an option or the path does not fit.
    """
    path = Path(path)
    header = path.with_suffix(".h")
    prefix = prefix or _prefix_of(path.stem)
    _check(path, prefix, word, line, style)
    network = Network.from_model(model)
    where = f"{model_name(model)}: node {network.name!r}"
    source, declarations = _texts(network, where, prefix, header.name, word, line, style)
    with atomic_path(path) as one, atomic_path(header) as other:
        one.write_text(source, encoding="ascii")
        other.write_text(declarations, encoding="ascii")
    return [path, header]


def _check(path: Path, prefix: str, word: int, line: int, style: str) -> None:
    if path.suffix != ".c":
        raise InputError(f"{path}: the name of a C file must end in .c")
    for target in (path, path.with_suffix(".h")):
        if target.is_dir():
            raise InputError(f"{target}: is a folder")
    if not re.fullmatch(r"[A-Za-z0-9_.+-]+", path.stem):
        raise InputError(
            f"{path}: the name stands in an #include: letters, digits and _ . + - are allowed"
        )
    if not _PREFIX.fullmatch(prefix):
        raise InputError(
            f"prefix {prefix!r}: must be a letter and up to 39 letters, digits and underscores"
        )
    if word not in (32, 64):
        raise InputError(f"word: {word}, must be 32 or 64")
    if not 1 <= line <= 1024:
        raise InputError(f"line: {line}, must be 1 to 1024")
    if style not in ("auto", "code", "table"):
        raise InputError(f"style: {style!r}, must be auto, code or table")


def _prefix_of(stem: str) -> str:
    """Identifier made of a file's name."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")[:40]
    return name if name[:1].isalpha() else f"n{name}"[:40]


def _texts(
    network: Network, where: str, prefix: str, header: str, word: int, line: int, style: str
) -> tuple[str, str]:
    """Source and header."""
    if network.input_dtype.name not in TYPES or network.dtype.name not in TYPES:
        raise ModelError(
            f"{where}: C has no type for {network.input_dtype} input and {network.dtype} scores"
        )
    if not network.netlist.n_outputs or (network.argmax and not network.groups):
        raise ModelError(f"{where}: has no outputs that C could give")
    gates = gates_of(network.netlist, network.groups)
    if style == "auto":
        style = "code" if len(gates.operations) <= MOST_STATEMENTS else "table"
    packing, slots, taken = pack(network, gates)
    code = (statements if style == "code" else tables)(gates, slots, taken)
    names = _class_names(network)
    values = {"p": prefix, "P": prefix.upper(), "version": lgnx.__version__, "header": header}

    def fill(template: str, **more: Any) -> str:
        return Template(template).substitute(values | more)

    source = [
        fill(text.START, guards=fill(_guards(network))),
        fill(text.HALF) if network.input_dtype == np.float16 else "",
        fill(packing),
        fill(code.text),
        fill(text.RUN_STATEMENTS if style == "code" else text.RUN_TABLES),
        _outputs(network, gates, code, style, fill),
        fill(text.END),
    ]
    more = ""
    if network.groups:
        more += fill(text.CLASS)
        source.append(fill(text.CLASS_BODY))
    if names:
        more += fill(text.NAMES)
        entries = rows([_string(name) for name in names])
        source.append(f"\nconst char *const {prefix}_names[{len(names)}] = {{\n{entries}}};\n")
    declarations = fill(
        text.HEADER,
        title=f"Logic network of {len(gates.operations)} gates.",
        about=_about(network),
        word=word,
        line=line,
        features=network.features,
        inputs_are="bits of a sample" if network.thresholds is None else "numbers of a sample",
        outputs=network.groups or network.netlist.n_outputs,
        outputs_are="scores of a sample" if network.groups else "bits of a sample",
        lines=max(code.lines, 1),
        input_type=TYPES[network.input_dtype.name],
        input_is=_input_is(network),
        score_type=TYPES[network.dtype.name],
        score_is=_score_is(network) if network.groups else "0 or 1",
        more=more,
    )
    return "".join(source), declarations


def _guards(network: Network) -> str:
    """Checks that the compiler computes as IEEE 754 says, where floating point is used."""
    scaled = network.groups > 0 and network.dtype.kind == "f"
    compared = network.input_dtype.name in ("float32", "float64")
    used = {network.dtype.name} if scaled else set()
    used |= {network.input_dtype.name} if compared else set()
    guards = text.FAST_MATH if used else ""
    guards += text.X87 if scaled else ""
    for name, size in (("float32", 4), ("float64", 8)):
        if name in used:
            guards += text.SIZE.replace("$name", TYPES[name]).replace("$bytes", str(size))
    return guards


def _input_is(network: Network) -> str:
    if network.thresholds is None:
        return "a bit: 0, or anything else for 1"
    return "the bits of a float16" if network.input_dtype == np.float16 else "a number"


def _score_is(network: Network) -> str:
    steps = "count"
    if network.bias:
        steps = f"({steps} + {network.bias:g})"
    if network.tau != 1:
        steps += f" / {network.tau:g}"
    if network.beta:
        steps += f" + {network.beta:g}"
    return steps


def _outputs(network: Network, gates: Gates, code: Code, style: str, fill: Any) -> str:
    """C from lines to scores, or to bits."""
    planes = max(4, network.group_size.bit_length())  # the adders want four
    ones, local, text_of_outputs, finish = "", "", text.BITS, text.FINISH_BITS
    if network.groups:
        text_of_outputs, finish = text.COUNT, text.FINISH_COUNTS
        ones = (
            "\n/* Outputs of each group that are always 1. */\n"
            f"static const uint32_t ${{p}}_ones[] = {{\n{rows(gates.ones)}}};\n"
        )
        local = "  size_t group = 0;\n  ${p}_lane planes[${P}_PLANES * ${P}_LANES];\n"
    before, evaluate = "", "${p}_evaluate(done, gates, s, lanes);"
    if style == "table":
        local += "  const ${p}_slot *g = ${p}_gates;\n"
        before = f"  g = ${{p}}_evaluate(0, {code.before}, g, s, lanes);\n  done = {code.before};\n"
        evaluate = "g = ${p}_evaluate(done, gates, g, s, lanes);"
    if network.groups:
        before = "  memset(planes, 0, sizeof(planes));\n" + before
    listed = [
        f"{{{count}, {len(section.outputs)}, {int(section.last)}}}"
        for section, count in zip(gates.sections, code.sections, strict=True)
    ]
    return fill(
        text_of_outputs,
        planes=planes,
        scale=_scale(network),
        section=SECTION_LINES,
    ) + fill(
        fill(
            text.SECTIONS,
            sections=rows(listed),
            ones=fill(ones),
            locals=fill(local),
            before=fill(before),
            evaluate=fill(evaluate),
            finish=fill(finish),
        )
    )


def _scale(network: Network) -> str:
    """C from the count to the score; every step is rounded to the type of the score."""
    steps = []
    parts = (("+", network.bias, 0), ("/", network.tau, 1), ("+", network.beta, 0))
    given = [(sign, network.dtype.type(value)) for sign, value, idle in parts if value != idle]
    if network.dtype.kind == "f":
        steps.append("  ${p}_score y = (${p}_score)count;")
        steps += [f"  y = y {sign} {literal(value)};" for sign, value in given]
        steps.append("  return y;")
    else:
        unsigned = f"uint{8 * network.dtype.itemsize}_t"
        total = "".join(f" + ({unsigned}){literal(value)}" for _, value in given)
        steps.append(f"  return (${{p}}_score)(({unsigned})count{total});")
    return "".join(f"{step}\n" for step in steps).replace("${p}_score", TYPES[network.dtype.name])


def _about(network: Network) -> str:
    """Metadata as lines of a comment: nothing in it ends the comment, or looks like a trigraph."""
    lines = [f"input {network.input_name}, shape {list(network.input_shape)}"]
    lines[0] = json.dumps(lines[0])[1:-1]
    lines += [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(network.metadata.items())]
    return "".join(f" * {_in_comment(line)}\n" for line in lines)


def _in_comment(line: str) -> str:
    line = line.replace("*", "\\u002a").replace("??", "?\\u003f")
    return line


def _class_names(network: Network) -> tuple[str, ...]:
    value = network.metadata.get(CLASS_NAMES) if network.groups else None
    return () if value is None else names_of(CLASS_NAMES, value, network.groups)


def _string(value: str) -> str:
    """A C string of any text, in UTF-8."""
    plain = set(range(32, 127)) - set(b'"\\?')
    data = value.encode("utf-8", "surrogatepass")
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in data) + '"'


FORMAT = Format(
    name="c",
    title="C99 source and header, without allocation",
    suffixes=(".c",),
    write=write_c,
    write_options=(
        Option("prefix", str, "", "what all names begin with; the name of the file if empty"),
        Option("word", int, 64, "bits of a word", (32, 64)),
        Option("line", int, 8, "words of a line: word x line samples are evaluated at once"),
        Option("style", str, "auto", "gates as statements or tables", ("auto", "code", "table")),
    ),
    writes="thermometer, gates, scores and classes; exact for every input",
)
