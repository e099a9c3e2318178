"""When things happen in a streaming design: the handshakes alone, run clock by clock."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lgnx.converters.verilog.streaming.geometry import Geometry

__all__ = ["Fold", "Pipe", "Slice", "Split", "Timing", "Window", "run_schedule"]

_IMAGES = 6  # after which the rhythm has settled


@dataclass(frozen=True)
class Timing:
    """Clocks of a design that nothing outside stalls.

    Attributes
    ----------
    interval
        From image to image.
    latency
        Clock edges from the first beat of an image to its last beat in the collector, both
        counted, where the design was idle.
    """

    interval: int
    latency: int


class Slice:
    """A register slice: two beats."""

    def __init__(self) -> None:
        self.held = 0

    def gives(self, offered: bool) -> bool:
        """Whether it offers a beat."""
        return self.held > 0

    def takes(self, ready: bool) -> bool:
        """Whether it takes one, where the receiver does as said."""
        return self.held < 2

    def clock(self, taken: bool, given: bool) -> bool:
        """Go on by a clock; tell whether anything changed."""
        self.held += taken - given
        return taken or given


class Fold:
    """Several beats become one."""

    def __init__(self, parts: int) -> None:
        self.parts, self.part = parts, 0

    def gives(self, offered: bool) -> bool:
        """Whether it offers a beat."""
        return offered and self.part == self.parts - 1

    def takes(self, ready: bool) -> bool:
        """Whether it takes one, where the receiver does as said."""
        return ready or self.part < self.parts - 1

    def clock(self, taken: bool, given: bool) -> bool:
        """Go on by a clock; tell whether anything changed."""
        if taken:
            self.part = (self.part + 1) % self.parts
        return taken


class Split:
    """One beat becomes several, fewer at the end of a row."""

    def __init__(self, row: list[int]) -> None:
        self.row, self.beat, self.left = row, 0, 0

    def gives(self, offered: bool) -> bool:
        """Whether it offers a beat."""
        return self.left > 0

    def takes(self, ready: bool) -> bool:
        """Whether it takes one, where the receiver does as said."""
        return self.left == 0 or (self.left == 1 and ready)

    def clock(self, taken: bool, given: bool) -> bool:
        """Go on by a clock; tell whether anything changed."""
        self.left -= given
        if taken:
            self.left = self.row[self.beat]
            self.beat = (self.beat + 1) % len(self.row)
        return taken or given


class Window:
    """Line buffers and window registers: steps that take a beat or padding, and may give one."""

    def __init__(self, geometry: Geometry) -> None:
        rows, columns = geometry.rows, geometry.columns
        self.inside = [
            rows.takes(r) and columns.takes(c)
            for r in range(rows.steps)
            for c in range(columns.steps)
        ]
        self.emits = [
            rows.emits(r) and columns.emits(c)
            for r in range(rows.steps)
            for c in range(columns.steps)
        ]
        self.step, self.valid, self.free = 0, False, True

    def gives(self, offered: bool) -> bool:
        """Whether it offers a beat."""
        return self.valid

    def takes(self, ready: bool) -> bool:
        """Whether it takes one, where the receiver does as said."""
        self.free = ready or not self.valid
        return self.free and self.inside[self.step]

    def clock(self, taken: bool, given: bool) -> bool:
        """Go on by a clock; tell whether anything changed."""
        if not self.free:
            return False
        moved = taken or not self.inside[self.step]
        changed = moved or self.valid
        self.valid = moved and self.emits[self.step]
        if moved:
            self.step = (self.step + 1) % len(self.inside)
        return changed


class Pipe:
    """Registers that move together."""

    def __init__(self, registers: int) -> None:
        self.valid = [False] * registers
        self.enable = True

    def gives(self, offered: bool) -> bool:
        """Whether it offers a beat."""
        return self.valid[-1]

    def takes(self, ready: bool) -> bool:
        """Whether it takes one, where the receiver does as said."""
        self.enable = ready or not self.valid[-1]
        return self.enable

    def clock(self, taken: bool, given: bool) -> bool:
        """Go on by a clock; tell whether anything changed."""
        if not self.enable:
            return False
        changed = taken or any(self.valid)
        self.valid = [taken, *self.valid[:-1]]
        return changed


Part = Slice | Fold | Split | Window | Pipe


def run_schedule(parts: list[Part], beats_out: int) -> Timing:
    """Run a chain of parts that is always offered beats, into a receiver that always takes them.

    Parameters
    ----------
    parts
        From the source to the collector.
    beats_out
        Beats of an image that the collector gets.
    """
    while _clock(parts, False)[2]:  # padding in front of an image passes before it comes
        pass
    clock, received, first = 0, 0, None
    ends: list[int] = []
    while len(ends) < _IMAGES:
        clock += 1
        taken, given, _ = _clock(parts, True)
        if taken and first is None:
            first = clock
        if given:
            received += 1
            if received % beats_out == 0:
                ends.append(clock)
    assert first is not None
    gaps = [b - a for a, b in pairwise(ends)]
    return Timing(max(gaps[1:]), ends[0] - first + 1)


def _clock(parts: list[Part], offered: bool) -> tuple[bool, bool, bool]:
    """One clock: whether a beat was taken at the front and given at the end, and any change."""
    valid = [offered]
    for part in parts:
        valid.append(part.gives(valid[-1]))
    ready = [True]
    for part in reversed(parts):
        ready.append(part.takes(ready[-1]))
    ready.reverse()
    changed = False
    for i, part in enumerate(parts):
        changed |= part.clock(valid[i] and ready[i], valid[i + 1] and ready[i + 1])
    return valid[0] and ready[0], valid[-1] and ready[-1], changed
