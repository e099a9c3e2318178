"""Names, texts and ports as yosys's JSON netlists have them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lgnx.converters.circuit import Circuit
from lgnx.converters.percent_names import escape, unescape

OF_YOSYS = ("hdlname", "library", "src", "top")
"""Attributes of a module by which yosys tells where it is from."""

# Yosys takes no spaces in names, and of all texts the bytes of UTF-8 as characters.
_FORBIDDEN = re.compile(r"[^\x21-\x7e]")
_FORBIDDEN_IN_TEXT = re.compile(r"[^\x20-\x7e]")
_BITS = re.compile("[01xz]*")
_LIKE_BITS = re.compile("[01xz]* *")
_ONE_BIT = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]", re.DOTALL)


def from_id(text: str) -> str:
    """Name that a key of the file stands for; yosys writes a backslash before some."""
    return unescape(text[1:] if re.match(r"\\[\\$0-9]", text) else text)


def to_id(name: str) -> str:
    """Key of the file for a name."""
    name = escape(name, _FORBIDDEN)
    return f"\\{name}" if re.match(r"[\\$0-9]", name) else name


def text_of(value: Any) -> str | None:
    """Text that an attribute holds; None where it is a number."""
    if not isinstance(value, str) or _BITS.fullmatch(value):
        return None
    return unescape(value[:-1] if _LIKE_BITS.fullmatch(value) else value)


def attribute(text: str) -> str:
    """JSON of a text, told from a number by a space behind it."""
    text = escape(text, _FORBIDDEN_IN_TEXT)
    return json.dumps(f"{text} " if _LIKE_BITS.fullmatch(text) else text)


Direction = Literal["input", "output"]


@dataclass(frozen=True)
class Port:
    """Neighbouring inputs or outputs of a circuit as one port.

    Attributes
    ----------
    name
        Without brackets where there are several bits.
    direction
        Of the port.
    start, width
        Its first input or output, and how many there are.
    offset, upto
        Bit i is called name[offset + i], or name[offset + width - 1 - i] if ``upto`` is 1.
    """

    name: str
    direction: Direction
    start: int
    width: int
    offset: int = 0
    upto: int = 0

    @property
    def bit_names(self) -> list[str]:
        """What its bits are called."""
        if self.width == 1:
            return [self.name]
        numbers = range(self.offset, self.offset + self.width)
        return [f"{self.name}[{i}]" for i in (reversed(numbers) if self.upto else numbers)]


def group_ports(circuit: Circuit) -> list[Port]:
    """Make ports of the inputs and outputs of a circuit.

    Neighbours called x[0], x[1], ... become one port x.
    """
    ports: list[Port] = []
    for direction, names in _sides(circuit):
        single, grouped = set(names), set()
        for start, end, step in _runs(names):
            port = _port(direction, names, start, end, step)
            if port.width > 1 and (port.name in single or port.name in grouped):
                ports += [_port(direction, names, i, i + 1, 1) for i in range(start, end)]
            else:
                ports.append(port)
                grouped.add(port.name)
    return ports


def _sides(circuit: Circuit) -> list[tuple[Direction, Sequence[str]]]:
    return [("input", circuit.input_names), ("output", circuit.output_names)]


def _runs(names: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Start, end and step of neighbours with one name and consecutive numbers in brackets."""
    parts = [_ONE_BIT.fullmatch(name) for name in names]
    start = 0
    while start < len(names):
        end, step, first = start + 1, 1, parts[start]
        while first and end < len(names):
            following = parts[end]
            if not following or following[1] != first[1]:
                break
            distance = int(following[2]) - int(first[2])
            if end == start + 1:
                step = distance
            if abs(step) != 1 or distance != step * (end - start):
                break
            end += 1
        yield start, end, step
        start = end


def _port(direction: Direction, names: Sequence[str], start: int, end: int, step: int) -> Port:
    found = _ONE_BIT.fullmatch(names[start])
    if end == start + 1 or not found:
        return Port(names[start], direction, start, 1)
    offset = int(found[2]) - (end - start - 1 if step < 0 else 0)
    return Port(found[1], direction, start, end - start, offset, int(step < 0))
