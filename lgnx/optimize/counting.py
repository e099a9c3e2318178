"""Counts of ones made of look-up tables, each step an identity that is checked over all its inputs.

A count is a sum of bits with weights. Bits that occur twice weigh twice, a bit and its complement
are a constant, and complements stand with constants, all modulo 2^width. *Compressors* then
replace some of the bits by the binary digits of their sum (Verma and Ienne, "Challenges in
automatic optimization of arithmetic circuits", IWLS 2009, call the sum a bit heap): six bits of
one weight by three tables. Bits that are functions of few wires are added up straight from these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lgnx.netlist.luts import LutBuilder, LutNetlist
from lgnx.ops.errors import ComparisonError

__all__ = ["Counted", "Identity", "binary_digits", "check_identities", "count_groups"]


@dataclass(frozen=True)
class Identity:
    """Bits of a count that were replaced: the sums of both sides are equal modulo 2^width.

    Attributes
    ----------
    group
        Of which count.
    before, after
        Weights and literals.
    constant
        Added on the side of ``after``.
    wires
        Those of which both sides are functions, each literal one of them or a table over some.
    """

    group: int
    before: tuple[tuple[int, int], ...]
    after: tuple[tuple[int, int], ...]
    constant: int
    wires: tuple[int, ...] = ()


@dataclass(frozen=True)
class Counted:
    """A network that gives the digits of counts.

    Attributes
    ----------
    luts
        Outputs: digits of each group, lowest first.
    width
        Digits of a count.
    builder
        The network before what nothing needs was dropped; the identities are about its wires.
    bits
        For each group the literals that are counted.
    digits
        For each group the literals of its digits.
    identities
        In the order in which they were applied.
    """

    luts: LutNetlist
    width: int
    builder: LutBuilder
    bits: list[list[int]]
    digits: list[list[int]]
    identities: list[Identity]


def binary_digits(outputs: np.ndarray, groups: int) -> np.ndarray | None:
    """Digits of counts whose groups say them: digit b 2^b times; None for other groups.

    Parameters
    ----------
    outputs
        uint32 [n_outputs], literals.

    Returns
    -------
    numpy.ndarray or None
        uint32 [groups, width].
    """
    rows = outputs.reshape(groups, -1)
    size = rows.shape[1]
    width = size.bit_length()
    if size != (1 << width) - 1 or width < 2:
        return None
    places = (1 << np.arange(width)) - 1
    digits = rows[:, places]
    return digits if (np.repeat(digits, 1 << np.arange(width), axis=1) == rows).all() else None


def count_groups(luts: LutNetlist, groups: int, k: int) -> Counted:
    """Replace bits by the digits of their counts.

    Parameters
    ----------
    luts
        Its outputs are the bits, group after group.
    groups
        Number of counts.
    k
        Inputs of a table.
    """
    width = (len(luts.outputs) // groups).bit_length()
    readers = _readers(luts)
    builder, outputs = LutBuilder.from_luts(luts)
    rows = [list(row) for row in np.array(outputs, np.int64).reshape(groups, -1).tolist()]
    levels = [0] * (luts.n_inputs + 1)
    identities: list[Identity] = []
    digits = []
    for group, row in enumerate(rows):
        heap = _Heap(builder, levels, width, k, group, identities)
        heap.start(row)
        heap.add_up_functions(readers)
        digits.append(heap.compress())
    ends = [literal for row in digits for literal in row]
    return Counted(builder.finish(ends), width, builder, rows, digits, identities)


def _readers(luts: LutNetlist) -> dict[int, int]:
    """How many tables and groups of outputs read each wire."""
    count: dict[int, int] = defaultdict(int)
    for fanin in luts.fanins:
        for wire in fanin:
            count[wire] += 1
    return count


class _Heap:
    """The bits of one count, with their weights."""

    def __init__(
        self,
        builder: LutBuilder,
        levels: list[int],
        width: int,
        k: int,
        group: int,
        identities: list[Identity],
    ) -> None:
        self.builder, self.levels, self.width, self.k = builder, levels, width, k
        self.group, self.identities = group, identities
        self.columns: list[list[int]] = [[] for _ in range(width)]
        self.constant = 0
        self.terms: dict[int, int] = {}

    def start(self, row: list[int]) -> None:
        """Join equal bits; take the complement of those that count negative."""
        weights: dict[int, int] = defaultdict(int)
        for literal in row:
            if literal & 1:
                self.constant += 1
            weights[literal >> 1] += -1 if literal & 1 else 1
        weights.pop(0, None)
        for wire, weight in weights.items():
            if weight < 0:
                self.constant += weight
            if weight:
                self.terms[2 * wire + int(weight < 0)] = abs(weight)
        after = tuple((weight, literal) for literal, weight in self.terms.items())
        before = tuple((1, literal) for literal in row)
        self.identities.append(Identity(self.group, before, after, self.constant))

    def add_up_functions(self, readers: dict[int, int]) -> None:
        """Add up bits that depend together on few wires straight from these wires."""
        terms, first = self.terms, self.builder.n_inputs + 1
        supports: dict[int, frozenset[int]] = {}
        own: dict[int, int] = {}
        for literal in terms:
            wire = literal >> 1
            inner = wire >= first
            supports[literal] = frozenset(self.builder.fanins[wire - first] if inner else [wire])
            own[literal] = int(inner and not readers.get(wire, 0))
        by_wire: dict[int, set[int]] = defaultdict(set)
        for literal, support in supports.items():
            for wire in support:
                by_wire[wire].add(literal)
        open_ = dict.fromkeys(sorted(terms, key=lambda each: (len(supports[each]), each)))
        small = list(open_)
        while small:
            seed = small.pop(0)
            if seed not in open_:
                continue
            members = self._cluster(seed, open_, supports, by_wire, small)
            if self._gain(members, own) > 0:
                self._replace([(terms[each], each) for each in members], functions=True)
                for each in members:
                    del open_[each]
                    for wire in supports[each]:
                        by_wire[wire].discard(each)
        for literal in open_:
            self._place(terms[literal], literal)

    def _cluster(
        self,
        seed: int,
        open_: dict[int, None],
        supports: dict[int, frozenset[int]],
        by_wire: dict[int, set[int]],
        small: list[int],
    ) -> list[int]:
        """Grow a set of bits from one, as long as they depend on k wires at most."""
        members, union = [seed], set(supports[seed])
        while True:
            near = {each for wire in union for each in by_wire[wire]} - set(members)
            choices = [(len(supports[each] - union), -len(supports[each]), each) for each in near]
            room = self.k - len(union)
            choices = [choice for choice in choices if choice[0] <= room]
            if not choices:
                # Nothing shares a wire: the smallest of the others, if it fits.
                for each in small:
                    if each in open_ and each not in members:
                        if len(supports[each] - union) <= room:
                            choices = [(0, 0, each)]
                        break
            if not choices:
                return members
            _, _, each = min(choices)
            members.append(each)
            union |= supports[each]

    def _gain(self, members: list[int], own: dict[int, int]) -> int:
        """Tables saved: those of the bits, and about one for each bit that is gone."""
        total = sum(self.terms[each] for each in members)
        before = sum(own[each] + self.terms[each].bit_count() for each in members)
        return before - 2 * total.bit_length()

    def compress(self) -> list[int]:
        """Replace bits until each weight has one; give the digits."""
        constant, self.constant = self.constant % (1 << self.width), 0
        self._add_constant(constant)
        full = True
        while full:
            full = False
            for column in range(self.width):
                while self._variables(column) >= self.k:
                    free = self.k.bit_length() == (self.k + 1).bit_length()
                    self._take(column, self.k, 0, free and 1 in self.columns[column])
                    full = True
        for column in range(self.width):
            while len(self.columns[column]) > 1:
                self._take(column, *self._best(column))
        return [bits[0] if bits else 0 for bits in self.columns]

    def _add_constant(self, value: int) -> None:
        """Put a constant into the columns, each of which holds one 1 at most."""
        for column in range(self.width):
            if not value >> column & 1:
                continue
            if 1 in self.columns[column]:
                self.columns[column].remove(1)
                value += 1 << column
            else:
                self.columns[column].append(1)

    def _variables(self, column: int) -> int:
        return sum(literal > 1 for literal in self.columns[column])

    def _best(self, column: int) -> tuple[int, int, bool]:
        """How many bits to take of a column and the next: most bits gone for each table."""
        height = self._variables(column)
        above = self._variables(column + 1) if column + 1 < self.width else 0
        options = []
        for constant in {False, 1 in self.columns[column]}:
            for low in range(2 - constant, min(height, self.k) + 1):
                for high in range(min(above, self.k - low) + 1):
                    digits = min((low + 2 * high + constant).bit_length(), self.width - column)
                    gone = (low + high + constant - digits) / digits
                    options.append((gone, low + high, low, high, constant))
        return max(options)[2:]

    def _take(self, column: int, low: int, high: int, constant: bool) -> None:
        """Replace the shallowest bits of a column and the next."""
        taken: list[tuple[int, int]] = []
        for place, count in ((column, low), (column + 1, high)):
            if not count:
                continue
            bits = self.columns[place]
            for bit in sorted((b for b in bits if b > 1), key=lambda b: (self._level(b), b))[
                :count
            ]:
                bits.remove(bit)
                taken.append((1 << place, bit))
        if constant:
            self.columns[column].remove(1)
            taken.append((1 << column, 1))
        self._replace(taken)

    def _replace(self, taken: list[tuple[int, int]], functions: bool = False) -> None:
        """Put the digits of a sum in the place of its parts."""
        first = self.builder.n_inputs + 1
        wires: set[int] = set()
        for _, literal in taken:
            wire = literal >> 1
            if functions and wire >= first:
                wires.update(self.builder.fanins[wire - first])
            else:
                wires.add(wire)
        own = sorted(wires - {0})
        sums = np.zeros(1 << len(own), np.int64)
        for weight, literal in taken:
            sums += weight * _values(self.builder, literal, own)
        shift = min(weight & -weight for weight, _ in taken).bit_length() - 1
        # A sum that is never small needs no digits for its least value.
        offset = int(sums.min()) if functions else 0
        sums -= offset
        after = []
        for column in range(shift, self.width):
            bits = sums >> column & 1
            if bits.all():
                offset += 1 << column
            elif bits.any():
                table = sum(1 << j for j in np.flatnonzero(bits).tolist())
                literal = self.builder.add(table, [2 * wire for wire in own])
                after.append((1 << column, literal))
                self.columns[column].append(literal)
        if functions:
            self.constant += offset
        else:
            self._add_constant(offset)
        self.identities.append(Identity(self.group, tuple(taken), tuple(after), offset, tuple(own)))

    def _place(self, weight: int, literal: int) -> None:
        for column in range(self.width):
            if weight >> column & 1:
                self.columns[column].append(literal)

    def _level(self, literal: int) -> int:
        """Level of a wire; those of tables are worked out as these are made."""
        first, builder = self.builder.n_inputs + 1, self.builder
        for fanin in builder.fanins[len(self.levels) - first :]:
            self.levels.append(1 + max((self.levels[wire] for wire in fanin), default=0))
        return self.levels[literal >> 1]


def _values(builder: LutBuilder, literal: int, wires: list[int]) -> np.ndarray:
    """A literal at each address of some wires, int64 [2^n]: one of them, or a table over them."""
    address = np.arange(1 << len(wires))
    wire, complement = literal >> 1, literal & 1
    if wire == 0:
        return np.full(len(address), complement, np.int64)
    if wire in wires:
        return (address >> wires.index(wire) & 1) ^ complement
    number = wire - builder.n_inputs - 1
    at = sum((address >> wires.index(w) & 1) << i for i, w in enumerate(builder.fanins[number]))
    bits = np.array([builder.tables[number] >> j & 1 for j in range(64)], np.int64)
    return bits[at] ^ complement


def check_identities(counted: Counted) -> int:
    """Check that the digits are the counts of the bits.

    Every identity but the first of a group, which only joins equal bits, is evaluated at all
    values of the wires that its sides are functions of; and the identities must lead from the bits
    to the digits.

    Returns
    -------
    int
        Identities that were checked.

    Raises
    ------
    ComparisonError
        If one does not hold.
    """
    modulus = 1 << counted.width
    heaps: list[dict[int, int]] = []
    constants = [0] * len(counted.bits)
    for row in counted.bits:
        heap: dict[int, int] = defaultdict(int)
        for literal in row:
            heap[literal] += 1
        heaps.append(heap)
    for number, each in enumerate(counted.identities):
        if not _holds(counted.builder, each, modulus):
            raise ComparisonError(f"counts: identity {number} of group {each.group} does not hold")
        heap = heaps[each.group]
        for sign, side in ((-1, each.before), (1, each.after)):
            for weight, literal in side:
                heap[literal] += sign * weight
        constants[each.group] += each.constant
    for heap, constant, row in zip(heaps, constants, counted.digits, strict=True):
        for place, literal in enumerate(row):
            heap[literal] -= 1 << place
        # What is left must be nothing, but for constants.
        left = heap.pop(1, 0) + constant
        heap.pop(0, None)
        if left % modulus or any(weight % modulus for weight in heap.values()):
            raise ComparisonError("counts: the digits are not what the identities lead to")
    return len(counted.identities)


def _holds(builder: LutBuilder, each: Identity, modulus: int) -> bool:
    if _linear(each.before) == _linear(each.after, each.constant):
        return True
    first, own = builder.n_inputs + 1, list(each.wires)
    for _, literal in (*each.before, *each.after):
        wire = literal >> 1
        if wire == 0 or wire in own:
            continue
        if wire < first or not set(builder.fanins[wire - first]) <= set(own):
            return False
    difference = np.full(1 << len(own), -each.constant, np.int64)
    for sign, side in ((1, each.before), (-1, each.after)):
        for weight, literal in side:
            difference += sign * weight * _values(builder, literal, own)
    return not (difference % modulus).any()


def _linear(side: Iterable[tuple[int, int]], constant: int = 0) -> dict[int, int]:
    """A side as weights of wires, complements as 1 - x, the constant under 0."""
    total: dict[int, int] = defaultdict(int)
    total[0] += constant
    for weight, literal in side:
        if literal & 1:
            total[0] += weight
        if literal >> 1:
            total[literal >> 1] += -weight if literal & 1 else weight
    return {wire: weight for wire, weight in total.items() if weight or not wire}
