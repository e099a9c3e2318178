"""``lgnx formats``: which formats are read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from lgnx.cli import common

if TYPE_CHECKING:
    from lgnx.converters.formats import Format, Option

EXAMPLES = ("lgnx formats", "lgnx formats blif", "lgnx formats --json")


def command(
    name: Annotated[
        str, typer.Argument(metavar="[FORMAT]", help="Show one format with its options.")
    ] = "",
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """List the formats that lgnx reads and writes.

    With a name, show what becomes of files of that format, and the options that it takes.
    """
    from lgnx.converters.formats import find_format, formats

    chosen = [find_format(name)] if name else list(formats())
    if json:
        common.print_json([_entry(format) for format in chosen])
    elif name:
        _show(chosen[0])
    else:
        table = common.plain_table("format", "suffixes", "in", "out", "extra", "what it is")
        for format in chosen:
            table.add_row(
                format.name,
                " ".join(format.suffixes) or "-",
                "yes" if format.reads else "-",
                "yes" if format.writes else "-",
                format.extra or "-",
                escape(format.title),
            )
        Console().print(table)


def _entry(format: Format) -> dict[str, object]:
    return {
        "name": format.name,
        "title": format.title,
        "suffixes": list(format.suffixes),
        "reads": format.reads or None,
        "writes": format.writes or None,
        "extra": format.extra or None,
        "python": format.python or None,
        "read_options": [_option(option) for option in format.read_options],
        "write_options": [_option(option) for option in format.write_options],
    }


def _option(option: Option) -> dict[str, object]:
    return {
        "name": option.name,
        "type": option.type.__name__,
        "default": option.default if option.default is None else str(option.default),
        "choices": [str(choice) for choice in option.choices],
        "help": option.help,
    }


def _show(format: Format) -> None:
    screen = Console()
    screen.print(f"[bold]{escape(format.name)}[/bold]: {escape(format.title)}", highlight=False)
    table = common.plain_table("", "")
    facts = {
        "suffixes": " ".join(format.suffixes),
        "in": format.reads,
        "out": format.writes,
        "Python": format.python,
        "needs": f"pip install 'lgnx[{format.extra}]'" if format.extra else "",
    }
    for key, value in facts.items():
        if value:
            table.add_row(key, escape(value))
    screen.print(table, highlight=False)
    for way, options in (("reading", format.read_options), ("writing", format.write_options)):
        if options:
            screen.print(f"\noptions of {way}, as --option NAME=VALUE:", highlight=False)
            listed = common.plain_table("name", "default", "what it does")
            for option in options:
                default = "-" if option.default in (None, "") else str(option.default)
                choices = f" ({', '.join(map(str, option.choices))})" if option.choices else ""
                listed.add_row(option.name, escape(default), escape(option.help + choices))
            screen.print(listed, highlight=False)
