"""Shape of the network of counters that counts ones.

A counter replaces bits of one weight by the binary number of ones among them. One of six bits is
three look-up tables of six inputs and leaves three bits, so a bit that it saves costs one table;
of full adders it costs two.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

__all__ = ["COUNTED", "Counters", "Plan", "counter_plan"]

COUNTED = 6  # bits that a counter takes where there are enough
_ROWS = 8  # of so many counters side by side each reads bits far apart, which is short to write


@dataclass(frozen=True)
class Counters:
    """Counters side by side.

    Attributes
    ----------
    inputs
        Numbers of their bits, all of one weight: counter i of n has inputs i, i + n, i + 2 n, ...
    bits
        Bits of each counter: 2, 3 or 6.
    outputs
        Numbers of the bits that they give: n of this weight, n of the next one, perhaps n more.
    level
        Level behind which these are, from 1. A table of six inputs holds two full adders one behind
        the other, so these two make a level together.
    """

    inputs: tuple[int, ...]
    bits: int
    outputs: range
    level: int

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.inputs) // self.bits


@dataclass(frozen=True)
class Plan:
    """All counters, each behind those it reads.

    Attributes
    ----------
    size
        Bits that are counted: numbers 0 to size - 1.
    counters
        In order.
    result
        Numbers of the bits of the count, the lowest first.
    """

    size: int
    counters: tuple[Counters, ...]
    result: tuple[int, ...]

    @property
    def levels(self) -> int:
        """Levels on the longest way."""
        return max((each.level for each in self.counters), default=0)


def counter_plan(size: int) -> Plan:
    """Plan counters, column by column; bits that are there first are counted first.

    Parameters
    ----------
    size
        Number of bits, at least 1.
    """
    width = size.bit_length()
    columns: dict[int, list[tuple[int, int]]] = defaultdict(list)  # halves of a level, number
    columns[0] = [(0, bit) for bit in range(size)]
    made, plan = size, []
    for column in range(width):
        waiting = columns[column]
        while len(waiting) > 1:
            bits = COUNTED if len(waiting) >= COUNTED else min(3, len(waiting))
            half = _behind(waiting[bits - 1][0], bits)
            count = 1
            # All that end at the same time stand side by side.
            while (
                len(waiting) >= (count + 1) * bits
                and _behind(waiting[(count + 1) * bits - 1][0], bits) == half
            ):
                count += 1
            inputs, waiting = waiting[: count * bits], waiting[count * bits :]
            given = min(bits.bit_length(), width - column)  # beyond the width all carries are 0
            outputs = range(made, made + given * count)
            made += given * count
            numbers = tuple(bit for _, bit in inputs)
            if count < _ROWS and numbers[0] >= size:  # neighbours have more in common
                numbers = tuple(numbers[i * bits + j] for j in range(bits) for i in range(count))
            plan.append(Counters(numbers, bits, outputs, (half + 1) // 2))
            waiting = sorted(waiting + [(half, bit) for bit in outputs[:count]])
            for place in range(1, given):
                own = outputs[place * count : (place + 1) * count]
                columns[column + place] += [(half, bit) for bit in own]
                columns[column + place].sort()
        columns[column] = waiting
    return Plan(size, tuple(plan), tuple(columns[column][0][1] for column in range(width)))


def _behind(half: int, bits: int) -> int:
    """When a counter is ready whose last input is; one of six bits begins with a level."""
    return half + 1 if bits < COUNTED else (half + 1) // 2 * 2 + 2
