"""Fuzzes one parser with atheris, guided by coverage.

    python tests/fuzz/run.py aiger --seconds 20

Each file beside this one that has a function ``target(data: bytes)`` is a parser; what `target`
raises is a finding. Inputs start from ``corpus/<name>/``, which stays as it is, and what is found
is kept in ``build/fuzz/``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
FINDS = HERE.parents[1] / "build" / "fuzz"
MEMORY_MB, ONE_INPUT_SECONDS, LONGEST = 2048, 10, 4096


def names() -> list[str]:
    """Every parser that is fuzzed."""
    return sorted(
        path.stem for path in HERE.glob("*.py") if "\ndef target(" in path.read_text("utf-8")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="?", choices=names(), help="the parser; none: list them")
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    if not arguments.name:
        print("\n".join(names()))
        return
    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["lgnx.converters"]):
        module = importlib.import_module(arguments.name)
    finds = FINDS / "finds" / arguments.name
    finds.mkdir(parents=True, exist_ok=True)
    corpus = HERE / "corpus" / arguments.name
    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={arguments.seconds}",
            f"-timeout={ONE_INPUT_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={LONGEST}",
            f"-artifact_prefix={FINDS}/{arguments.name}-",
            "-print_final_stats=1",
            str(finds),
            *([str(corpus)] if corpus.is_dir() else []),
        ],
        module.target,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
