"""What the values of a spec may be: each check takes what stands in the file and gives it typed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "Field",
    "array",
    "choice",
    "flag",
    "names",
    "number",
    "shown",
    "text",
    "whole",
    "wholes",
]


class WrongError(Exception):
    """A value that is not allowed; says what is."""


@dataclass(frozen=True)
class Field:
    """One field of a spec.

    Attributes
    ----------
    check
        Gives the value typed, or raises WrongError. Its second argument is the spec's folder.
    help
        One line for the documentation.
    required
        Whether it must be there.
    """

    check: Callable[[Any, Path], Any]
    help: str
    required: bool = False


def shown(value: Any) -> str:
    """Show a value, shortened, in a message."""
    if isinstance(value, (dict, list)):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    written = repr(value)
    return written if len(written) <= 60 else f"{written[:57]}..."


def text(value: Any, folder: Path) -> str:
    """Text, not empty."""
    if not isinstance(value, str) or not value:
        raise WrongError("text")
    return value


def flag(value: Any, folder: Path) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongError("true or false")
    return value


def choice(*allowed: str) -> Callable[[Any, Path], str]:
    """One of some words."""

    def check(value: Any, folder: Path) -> str:
        if value not in allowed:
            raise WrongError(" or ".join(allowed))
        return str(value)

    return check


def whole(low: int, high: int = 1 << 31) -> Callable[[Any, Path], int]:
    """A whole number of a range."""

    def check(value: Any, folder: Path) -> int:
        if type(value) is not int or not low <= value <= high:
            limit = f"of at least {low}" if high >= 1 << 31 else f"from {low} to {high}"
            raise WrongError(f"a whole number {limit}")
        return value

    return check


def wholes(low: int, single: bool = True) -> Callable[[Any, Path], int | tuple[int, ...]]:
    """A list of one to eight whole numbers; or, if ``single``, one for all axes."""
    one = whole(low)

    def check(value: Any, folder: Path) -> int | tuple[int, ...]:
        if single and not isinstance(value, list):
            return one(value, folder)
        if not isinstance(value, list) or not 1 <= len(value) <= 8:
            raise WrongError(f"a list of whole numbers of at least {low}")
        return tuple(one(item, folder) for item in value)

    return check


def number(value: Any, folder: Path) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise WrongError("a finite number")
    try:
        return float(value)
    except OverflowError:
        raise WrongError("a finite number") from None


def names(value: Any, folder: Path) -> tuple[str, ...]:
    """A list of different names; whole numbers are names, too."""
    if not isinstance(value, list) or not value:
        raise WrongError("a list of names")
    for item in value:
        if type(item) not in (str, int):
            raise WrongError(f"a list of names, not of {shown(item)}: put it in quotes")
    found = tuple(str(item) for item in value)
    if len(set(found)) != len(found):
        twice = next(name for i, name in enumerate(found) if name in found[:i])
        raise WrongError(f"a list of different names; {twice!r} stands there twice")
    return found


def array(kind: str, *shapes: int, word: str = "") -> Callable[[Any, Path], Any]:
    """Nested lists of numbers, or the name of an .npy file beside the spec.

    Parameters
    ----------
    kind
        ``"i"`` for whole numbers that are not negative, ``"f"`` for finite numbers.
    *shapes
        The numbers of axes allowed.
    word
        A word allowed in its place, which is given as it is.
    """
    what = "whole numbers of at least 0" if kind == "i" else "finite numbers"
    axes = " or ".join(str(n) for n in shapes)
    other = f", or {word}" if word else ""
    allowed = f"{what} in nested lists of {axes} axes, or the name of an .npy file of them{other}"

    def check(value: Any, folder: Path) -> np.ndarray | str:
        if word and value == word:
            return word
        found: np.ndarray | None = None
        if isinstance(value, str) and value.endswith(".npy"):
            found = _from_file(folder / value)
        elif isinstance(value, list):
            found = _from_lists(value)
        if found is None or found.ndim not in shapes or found.size == 0:
            raise WrongError(allowed)
        if kind == "i":
            if found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= 1 << 31:
                raise WrongError(allowed)
            return found.astype(np.int64)
        if found.dtype.kind not in "iuf" or not np.isfinite(found).all():
            raise WrongError(allowed)
        return found

    return check


def _from_lists(value: list[Any]) -> np.ndarray | None:
    waiting = list(value)
    for item in waiting:
        if isinstance(item, list):
            waiting += item
        elif type(item) not in (int, float):
            return None
    try:
        found = np.array(value)
    except (ValueError, OverflowError):  # of different lengths, or too large
        return None
    return found if found.dtype.kind in "iuf" else None


def _from_file(path: Path) -> np.ndarray:
    try:
        return np.array(np.load(path, allow_pickle=False, mmap_mode="r"))
    except FileNotFoundError:
        raise WrongError(f"the name of an .npy file; there is no {path}") from None
    except Exception as error:  # numpy raises what its parsers do
        raise WrongError(f"the name of an .npy file; {path} is none: {error}") from None
