"""Shape of the tree that finds the largest count."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CompareLevel", "compare_tree"]


@dataclass(frozen=True)
class CompareLevel:
    """One level of a tournament: numbers left, matches played, and whether a register follows."""

    count: int
    matches: int
    register: bool


def compare_tree(size: int, every: int | None = None) -> list[CompareLevel]:
    """Plan a tournament of numbers, with a register behind so many levels but the last; or none."""
    levels: list[CompareLevel] = []
    count = size
    while count > 1:
        matches = count // 2
        count -= matches
        register = every is not None and count > 1 and (len(levels) + 1) % every == 0
        levels.append(CompareLevel(count, matches, register))
    return levels
