"""Lines of whole numbers in a file, many of them at a time."""

from __future__ import annotations

import numpy as np

from lgnx.ops.errors import ModelError

_NEWLINE, _SPACES = 10, (9, 13, 32)
_MAX_DIGITS = 10
_SHOWN = 120


class Lines:
    """The lines of a file, numbered from 1.

    Parameters
    ----------
    data
        The file.
    where
        What messages call it.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.data = np.frombuffer(data, np.uint8)
        self.where = where
        self.ends = np.flatnonzero(self.data == _NEWLINE)
        if data and self.data[-1] != _NEWLINE:
            self.ends = np.append(self.ends, len(data))

    def start(self, line: int) -> int:
        """Place of the first byte of a line; that behind the file for the line after the last."""
        return int(self.ends[line - 2]) + 1 if line > 1 else 0

    def text(self, line: int) -> str:
        """A line, or the start of a long one."""
        start, end = self.start(line), int(self.ends[line - 1])
        shown = self.data[start : min(end, start + _SHOWN)].tobytes().decode("latin-1")
        return shown.rstrip("\r") + "..." * (end - start > _SHOWN)

    def require(self, line: int, count: int, what: str) -> None:
        """Raise a ModelError unless there are so many lines from this one on."""
        if line + count - 1 > len(self.ends):
            raise ModelError(
                f"{self.where}: ends after line {len(self.ends)}; the header tells of {count} "
                f"{what} on lines {line} to {line + count - 1}"
            )

    def numbers(self, line: int, count: int, columns: int, what: str) -> np.ndarray:
        """Numbers on ``count`` lines from this one on, int64 [count, columns].

        Raises
        ------
        ModelError
            If there are fewer lines, or one holds anything else; the line is named.
        """
        self.require(line, count, what)
        if not count:
            return np.zeros((0, columns), np.int64)
        start, ends = self.start(line), self.ends[line - 1 : line - 1 + count]
        part = self.data[start : int(ends[-1])]
        digit = (part >= ord("0")) & (part <= ord("9"))
        edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
        begins, lengths = edges[::2], edges[1::2] - edges[::2]
        rows = np.searchsorted(ends, begins + start)
        wrong = np.bincount(rows, minlength=count) != columns
        wrong[rows[lengths > _MAX_DIGITS]] = True
        other = np.flatnonzero(~(digit | np.isin(part, (_NEWLINE, *_SPACES))))
        wrong[np.searchsorted(ends, other + start)] = True
        if wrong.any():
            bad = line + int(np.argmax(wrong))
            wanted = "a whole number" if columns == 1 else f"{columns} whole numbers"
            raise ModelError(
                f"{self.where}: line {bad}: is {self.text(bad)!r}, must be {wanted} ({what})"
            )
        values = np.zeros(len(begins), np.int64)
        for place in range(int(lengths.max())):
            inside = np.flatnonzero(lengths > place)
            digits = part[begins[inside] + place] - ord("0")
            values[inside] = values[inside] * 10 + digits
        return values.reshape(count, columns)
