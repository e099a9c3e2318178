"""Shapes of the trees that count ones and find the largest count."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AdderLevel", "CompareLevel", "adder_tree", "compare_tree"]


@dataclass(frozen=True)
class AdderLevel:
    """One level of a balanced tree of adders.

    Level 0 adds ``bits`` ones each. Every other one adds pairs of the level before, and one more
    bit each, which an adder takes as its carry.

    Attributes
    ----------
    count, width
        Numbers that it gives, and their bits.
    adders
        How many of them are sums; the last one may be handed on from the level before.
    first_bit
        Number of the first bit that it reads itself.
    register
        Whether a register stands behind it.
    """

    count: int
    width: int
    adders: int
    first_bit: int
    register: bool

    @property
    def handed_on(self) -> bool:
        """Whether the last number comes from the level before as it is."""
        return self.count > self.adders


def adder_tree(size: int, leaf: int, every: int | None = None) -> tuple[int, list[AdderLevel]]:
    """Plan a tree that counts the ones among bits.

    m leaves of ``leaf`` bits and the m - 1 carries of the adders above hold (leaf + 1) m - 1 bits.

    Parameters
    ----------
    size
        Number of bits.
    leaf
        Bits that a leaf adds: 6 for look-up tables of six inputs, 3 for full adders.
    every
        Levels after which a register stands, none behind the last one; None for no registers.

    Returns
    -------
    tuple
        Bits, with zeros at the end, and the levels.
    """
    leaves = -(-(size + 1) // (leaf + 1))
    widest = size.bit_length()
    counts = [leaves]
    while counts[-1] > 1:
        counts.append(-(-counts[-1] // 2))
    levels, bit, adders = [], 0, leaves
    for number, count in enumerate(counts):
        if number:
            adders = counts[number - 1] // 2
        last = number == len(counts) - 1
        levels.append(
            AdderLevel(
                count=count,
                width=min(leaf.bit_length() + number, widest),
                adders=adders,
                first_bit=bit,
                register=every is not None and not last and (number + 1) % every == 0,
            )
        )
        bit += adders * (leaf if not number else 1)
    return bit, levels


@dataclass(frozen=True)
class CompareLevel:
    """One level of a tournament: numbers left, matches played, and whether a register follows."""

    count: int
    matches: int
    register: bool


def compare_tree(size: int, every: int | None = None) -> list[CompareLevel]:
    """Plan a tournament of numbers; see `adder_tree` for ``every``."""
    levels: list[CompareLevel] = []
    count = size
    while count > 1:
        matches = count // 2
        count -= matches
        register = every is not None and count > 1 and (len(levels) + 1) % every == 0
        levels.append(CompareLevel(count, matches, register))
    return levels
