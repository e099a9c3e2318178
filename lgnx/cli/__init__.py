"""The ``lgnx`` command. Only typer and rich are imported before a command runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from lgnx.cli import (
    bench,
    check,
    common,
    conformance,
    convert,
    cosim,
    demo,
    estimate,
    export,
    formats,
    inspect,
    lower,
    optimize,
    project,
    prove,
    rtl,
    run,
)

__all__ = ["app", "main"]

_COMMANDS = (
    demo,
    export,
    convert,
    formats,
    check,
    inspect,
    lower,
    optimize,
    run,
    bench,
    rtl,
    project,
    cosim,
    prove,
    estimate,
)

_GROUPS = (conformance,)
"""Modules with several commands each."""


def _new(**settings: Any) -> typer.Typer:
    return typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


def _add(parent: typer.Typer, name: str, command: Callable[..., Any], lines: Sequence[str]) -> None:
    parent.command(name, help=common.help_text(command), epilog=common.examples(*lines))(
        common.handled(command)
    )


app = _new()
for _module in _COMMANDS:
    _add(app, _module.__name__.rpartition(".")[2], _module.command, _module.EXAMPLES)
for _module in _GROUPS:
    _name = _module.__name__.rpartition(".")[2]
    _group = _new(
        help=(_module.__doc__ or "").partition(": ")[2].strip().capitalize(),
        epilog=common.examples(*(lines[0] for lines in _module.COMMANDS.values())),
    )
    for _command, _lines in _module.COMMANDS.items():
        _add(_group, _command.__name__, _command, _lines)
    app.add_typer(_group, name=_name)


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"lgnx {version('lgnx')}")
        raise typer.Exit


@app.callback(
    epilog=common.examples(
        "lgnx demo", "lgnx inspect model.onnx", "lgnx run model.onnx data.npy -o scores.npy"
    )
)
def _root(
    debug: common.Debug = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Take logic gate networks from PyTorch through ONNX to proved RTL.

    Exit codes: 0 fine, 1 a comparison failed, 2 bad input.
    """
    common.reset_debug(debug)


def main() -> None:
    """Run the command line."""
    app()
