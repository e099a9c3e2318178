"""What the commands share: error handling, consoles, progress, JSON, common options."""

from __future__ import annotations

import errno
import functools
import inspect
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

FAILED, BAD_INPUT = 1, 2

_QUIET_SECONDS = 10.0  # between two progress lines where no bar can be drawn
_debug = False

Command = TypeVar("Command", bound=Callable[..., Any])


def _set_debug(value: bool) -> bool:
    global _debug
    _debug = _debug or value
    return value


Debug = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show the Python traceback of an error.", callback=_set_debug, is_eager=True
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Spec = Annotated[
    Path | None,
    typer.Option("--spec", help="YAML description of the network, where a checkpoint lacks it."),
]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="Option of a format; lgnx formats NAME lists them."
    ),
]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="ONNX file.")]


def reset_debug(value: bool) -> None:
    """Start a run of the command line: forget a ``--debug`` of an earlier one in this process."""
    global _debug
    _debug = value


def help_text(command: Callable[..., Any]) -> str:
    """Return the docstring of a command with each paragraph on one line, to be wrapped anew."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def examples(*lines: str) -> str:
    """Return the text below a help page: one example per line."""
    title = "[bold]Example[/bold]" if len(lines) == 1 else "[bold]Examples[/bold]"
    return "\n\n".join([title, *(f"  [cyan]{escape(line)}[/cyan]" for line in lines)])


def handled(command: Command) -> Command:
    """Turn the exceptions of a command into one line and an exit code.

    A comparison that failed exits with 1, everything else with 2.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of a pipe has gone: not an error of ours
            if _debug:
                Console(stderr=True).print_exception(suppress=[typer])
            raise typer.Exit(report_error(error)) from None

    return run  # type: ignore[return-value]


def report_error(error: Exception) -> int:
    """Print an exception on standard error and return the exit code.

    It is one line, and what an error of ours has after an empty line, as it stands there.
    """
    from lgnx.ops.errors import ComparisonError, LgnxError

    text, more, hint = str(error), "", ""
    if isinstance(error, LgnxError):
        text, _, more = text.partition("\n\n")
    text = " ".join(text.split())
    if isinstance(error, OSError) and error.strerror and not isinstance(error, LgnxError):
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif not isinstance(error, LgnxError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
        hint = "" if _debug else " (unexpected; --debug shows where)"
    print(f"error: {text}{hint}", file=sys.stderr)
    if more:
        print(f"\n{more.rstrip()}", file=sys.stderr)
    return FAILED if isinstance(error, ComparisonError) else BAD_INPUT


def console(json: bool = False) -> Console:
    """Return where tables go: standard output, or standard error beside a JSON result."""
    return Console(stderr=json, highlight=False)


def print_json(result: Any) -> None:
    """Print a machine-readable result on standard output."""
    print(json.dumps(result, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show progress on standard error; yields a function that advances it.

    On a terminal this is a bar, which disappears at the end; elsewhere a line now and then, and
    none for what is quick.
    """
    screen = Console(stderr=True)
    if screen.is_terminal:
        counter = (MofNCompleteColumn(),) if total is not None and total > 1 else ()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            *counter,
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=screen, transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda amount: bar.advance(task, amount)
        return
    done, last = 0.0, time.monotonic()

    def advance(amount: float) -> None:
        nonlocal done, last
        done += amount
        if time.monotonic() - last >= _QUIET_SECONDS:
            last = time.monotonic()
            part = f"{100 * done / total:.0f} %" if total else f"{done:,.0f}"
            print(f"{description}: {part}", file=sys.stderr, flush=True)

    yield advance


@contextmanager
def working(description: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on a terminal while something of unknown length runs.

    Yields a function that tells which step is going on.
    """
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield lambda step: None
        return
    with screen.status(escape(description)) as status:
        yield lambda step: status.update(escape(f"{description}: {step}"))


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Return a table without lines that folds what does not fit."""
    table = Table(box=None, header_style="bold", pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def pairs(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """Turn what an option of the form NAME=VALUE was given, perhaps several times, into a dict."""
    from lgnx.ops.errors import InputError

    result: dict[str, str] = {}
    for item in given or ():
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise InputError(f"{option} {item}: must be NAME=VALUE")
        if name in result:
            raise InputError(f"{option} {item}: {name} is given twice")
        result[name] = value
    return result


def format_options(given: Sequence[str] | None, spec: Path | None = None) -> dict[str, Any]:
    """Turn ``--option NAME=VALUE`` and ``--spec FILE`` into keyword arguments, values as text."""
    result: dict[str, Any] = dict(pairs("--option", given))
    if spec is not None:
        result["spec"] = spec
    return result


def number(value: float | int | None) -> str:
    """Format a count with separators; '-' for nothing."""
    return "-" if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """Format a time in the unit that suits it."""
    if value is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}" if value < 1000 else f"{value:,.0f} s"
    return "0 s" if value == 0 else f"{value * 1e9:.3g} ns"


def size(count: int) -> str:
    """Format a number of bytes."""
    value = float(count)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
