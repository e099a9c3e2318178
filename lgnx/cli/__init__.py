"""The ``lgnx`` command. Only typer and rich are imported before a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from lgnx.cli import bench, check, common, cosim, demo, export, inspect, lower, optimize, rtl, run

__all__ = ["app", "main"]

_COMMANDS = (demo, export, check, inspect, lower, optimize, run, bench, rtl, cosim)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _module in _COMMANDS:
    app.command(
        _module.__name__.rpartition(".")[2],
        help=common.help_text(_module.command),
        epilog=common.examples(*_module.EXAMPLES),
    )(common.handled(_module.command))


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
