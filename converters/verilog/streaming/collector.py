"""Which bits of the last stream are kept for the tail, and where they go."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lgnx.converters.verilog.streaming.beats import FILLER, beat_features
from lgnx.converters.verilog.streaming.plan import Plan

__all__ = ["Collected", "collect_beats", "collect_map"]


@dataclass
class Collected:
    """What a collector does.

    Attributes
    ----------
    beats
        Beats of an image.
    s_width, m_width
        Bits of a beat, and of what the tail reads.
    parts
        For each beat of which something is kept: the bits of the beat that are, in order.
    places
        For each of them, in the same order: the bit of the tail's input that it becomes.
    """

    beats: int
    s_width: int
    m_width: int
    parts: dict[int, list[int]] = field(default_factory=dict)
    places: dict[int, list[int]] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Number of bits that are kept."""
        return sum(map(len, self.parts.values()))

    def add(self, beat: int, source: int, place: int) -> None:
        """Keep one more bit."""
        self.parts.setdefault(beat, []).append(source)
        self.places.setdefault(beat, []).append(place)

    def assigns(self) -> list[str]:
        """Assignments of every bit of ``m_data``, neighbours together."""
        origin: list[tuple[int, int] | None] = [None] * self.m_width
        for beat, places in self.places.items():
            for index, place in enumerate(places):
                origin[place] = (beat, index)
        lines: list[str] = []
        first = 0
        while first < self.m_width:
            start, length = origin[first], 1
            while first + length < self.m_width and origin[first + length] == (
                None if start is None else (start[0], start[1] + length)
            ):
                length += 1
            value = f"{length}'d0"
            if start is not None:
                beat, index = start
                value = f"beat{beat}[{index + length - 1}:{index}]"
            lines.append(f"assign m_data[{first + length - 1}:{first}] = {value};")
            first += length
        return lines


def collect_map(plan: Plan) -> Collected:
    """Keep the bits of the last layer's map that the tail reads, pixel by pixel."""
    channels, height, width = plan.map_shape
    last = plan.layers[-1]
    kept, positions = last.kernels.kept_out, last.positions_out
    row_beats = last.geometry.columns.groups
    netlist = plan.tail.netlist
    read = netlist.fan_outs()[1 : netlist.first_node].reshape(height, width, channels) > 0
    found = Collected(row_beats * height, positions * len(kept), channels * height * width)
    for y, x in np.ndindex(height, width):
        beat, position = y * row_beats + x // positions, x % positions
        for index, channel in enumerate(kept):
            if read[y, x, channel]:
                place = (y * width + x) * channels + channel
                found.add(beat, position * len(kept) + index, place)
    return found


def collect_beats(plan: Plan) -> Collected:
    """Keep the features that the network reads."""
    features, slots = beat_features(plan.stream), plan.stream["slots"]
    netlist = plan.tail.netlist
    thresholds = plan.tail.thresholds
    many = 1 if thresholds is None else thresholds.shape[1]
    read = netlist.fan_outs()[1 : netlist.first_node].reshape(-1, many).sum(axis=1) > 0
    widths = [port.width for port in plan.ports]
    offsets = np.cumsum([0, *widths]).tolist()
    found = Collected(len(features), sum(slots[-1]), offsets[-1])
    for beat, row in enumerate(features.tolist()):
        for (lowest, _), feature in zip(slots, row, strict=True):
            if feature != FILLER and read[feature]:
                for bit in range(widths[feature]):
                    found.add(beat, lowest + bit, offsets[feature] + bit)
    return found
