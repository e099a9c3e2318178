"""Where the windows of a streamed layer lie, and at which steps they are complete."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

__all__ = ["Axis", "Geometry"]


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a layer, along which ``parallel`` bits arrive at a time (a beat).

    Beat b brings places b * parallel to b * parallel + parallel - 1. Windows leave in groups of
    ``windows``; a group is complete in the beat that brings the last place of its last window.
    Beats before the first and behind the last one of the input bring padding.

    Attributes
    ----------
    size
        Places of the input.
    kernel, stride, begin, end, dilation
        Of the layer; ``begin`` and ``end`` are its padding.
    parallel
        Divides the stride, or is divided by it.
    """

    size: int
    kernel: int
    stride: int = 1
    begin: int = 0
    end: int = 0
    dilation: int = 1
    parallel: int = 1

    @property
    def reach(self) -> int:
        """Places from the first of a window to its last."""
        return (self.kernel - 1) * self.dilation

    @property
    def out(self) -> int:
        """Windows: floor((padded - span) / stride) + 1."""
        return (self.size + self.begin + self.end - self.reach - 1) // self.stride + 1

    @property
    def beats(self) -> int:
        """Beats of the input."""
        return -(-self.size // self.parallel)

    @property
    def windows(self) -> int:
        """Windows of a group."""
        return min(self.out, max(1, self.parallel // self.stride))

    @property
    def groups(self) -> int:
        """Groups of windows, of which the last may have some that are none."""
        return -(-self.out // self.windows)

    @property
    def every(self) -> int:
        """Beats from group to group."""
        return max(1, self.stride // self.parallel)

    @property
    def _group_end(self) -> int:
        """Last place of the first group."""
        return (self.windows - 1) * self.stride - self.begin + self.reach

    @property
    def phase(self) -> int:
        """Place within its beat where a group ends."""
        return self._group_end % self.parallel

    @property
    def _first_group(self) -> int:
        return self._group_end // self.parallel

    @property
    def start(self) -> int:
        """Number of the first beat: 0, or less where whole windows lie in the padding."""
        return min(0, self._first_group)

    @property
    def first(self) -> int:
        """Step, counted from the first beat, at which the first group is complete."""
        return self._first_group - self.start

    @property
    def last(self) -> int:
        """Step at which the last group is complete."""
        return self.first + (self.groups - 1) * self.every

    @property
    def steps(self) -> int:
        """Beats in all, those of padding among them."""
        return max(self.beats - self.start, self.last + 1)

    @property
    def span(self) -> int:
        """Places from the first one of a group of windows to its last."""
        return self.reach + (self.windows - 1) * self.stride + 1

    @property
    def older(self) -> int:
        """How many of these came in earlier beats than the last."""
        return max(0, self.span - 1 - self.phase)

    @property
    def lowest(self) -> int:
        """First place of a beat that a group reads, counted from the beat's own first place."""
        return self.phase - self.span + 1

    @property
    def reads_before(self) -> bool:
        """Whether a window reads places before the input."""
        return self.begin > 0

    @property
    def reads_behind(self) -> bool:
        """Whether a window reads places behind the input."""
        return (self.out - 1) * self.stride - self.begin + self.reach >= self.size

    def emits(self, step: int) -> bool:
        """Tell whether a group is complete at a step."""
        return self.first <= step <= self.last and (step - self.first) % self.every == 0

    def takes(self, step: int) -> bool:
        """Tell whether a step takes a beat of the input."""
        return 0 <= step + self.start < self.beats


@dataclass(frozen=True)
class Geometry:
    """Both axes of a streamed layer; one of one dimension has a single row.

    Attributes
    ----------
    rows
        Vertical axis, one row at a time.
    columns
        Horizontal axis.
    """

    rows: Axis
    columns: Axis

    @property
    def kernel_columns(self) -> int:
        """Columns of one window, the gaps of its dilation among them."""
        return self.columns.reach + 1

    @property
    def window_places(self) -> int:
        """Pixels of one window: columns with their gaps, rows without."""
        return self.kernel_columns * self.rows.kernel

    @property
    def stored_rows(self) -> int:
        """Rows before the present one that line buffers hold."""
        return self.rows.reach

    @property
    def steps(self) -> int:
        """Steps of an image."""
        return self.rows.steps * self.columns.steps

    @cached_property
    def masked_taps(self) -> tuple[int, ...]:
        """Row taps that, at a step that counts, may lie above the image."""
        first = self.rows.first + self.rows.start
        return tuple(
            tap
            for tap in range(self.rows.kernel - 1)
            if (self.rows.kernel - 1 - tap) * self.rows.dilation > first
        )
