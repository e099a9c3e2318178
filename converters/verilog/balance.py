"""Stages of a network of look-up tables, cut where the fewest wires cross."""

from __future__ import annotations

from collections import deque

import numpy as np

from lgnx.netlist.luts import LutNetlist

__all__ = ["balanced_stages"]

_ALWAYS = 1 << 30


def balanced_stages(luts: LutNetlist, n_levels: int) -> np.ndarray:
    """Stage of each table, int64 [n_luts]: at most so many levels each, in the fewest stages.

    Every stage takes the tables that would otherwise be late, and of those that it may take the
    ones with which the fewest wires cross to the next: a minimum cut, one stage after the other.
    """
    first, n = luts.first_lut, luts.n_luts
    stages = np.zeros(n, np.int64)
    if not n:
        return stages
    n_stages = -(-int(luts.levels().max()) // n_levels)
    ends = set((luts.outputs >> 1).tolist())
    readers: list[list[int]] = [[] for _ in range(first + n)]
    for i, fanin in enumerate(luts.fanins):
        for wire in fanin:
            readers[wire].append(first + i)
    tail = [0] * (first + n)  # tables from a wire's own to the end of the longest way
    for wire in reversed(range(1, first + n)):
        tail[wire] = int(wire >= first) + max((tail[r] for r in readers[wire]), default=0)
    done = [wire < first for wire in range(first + n)]
    for stage in range(n_stages - 1):
        ahead = [0] * (first + n)
        for i, fanin in enumerate(luts.fanins):
            if not done[first + i]:
                ahead[first + i] = 1 + max(ahead[wire] for wire in fanin)
        left = (n_stages - 1 - stage) * n_levels
        # Whether a wire is before the cut: yes, no, or as the cut says.
        side = [
            True if done[wire] or tail[wire] > left else False if ahead[wire] > n_levels else None
            for wire in range(first + n)
        ]
        before = _least_cut(luts, readers, ends, side)
        for wire in range(first, first + n):
            if before[wire] and not done[wire]:
                done[wire] = True
                stages[wire - first] = stage
    stages[[i for i in range(n) if not done[first + i]]] = n_stages - 1
    return stages


def _least_cut(
    luts: LutNetlist, readers: list[list[int]], ends: set[int], side: list[bool | None]
) -> list[bool]:
    """Decide the open wires so that the fewest have a reader behind the cut.

    What a wire before the cut reads is before it, too.
    """
    flow = _Flow(2 + 2 * len(side))
    source, sink = 0, 1

    def place(wire: int) -> int:
        known = side[wire]
        return 2 + 2 * wire if known is None else source if known else sink

    for wire in range(1, len(side)):
        if side[wire] is None and wire >= luts.first_lut:
            for fanin in luts.fanins[wire - luts.first_lut]:
                if side[fanin] is None:
                    flow.connect(place(wire), place(fanin), _ALWAYS)
        if side[wire] is False or not (readers[wire] or wire in ends):
            continue
        crosses = wire in ends or any(side[reader] is False for reader in readers[wire])
        open_readers = [reader for reader in readers[wire] if side[reader] is None]
        if side[wire] and (crosses or not open_readers):
            continue  # crosses in any case, or in none
        if crosses:
            flow.connect(place(wire), sink, 1)
        else:
            flow.connect(place(wire), 3 + 2 * wire, 1)
            for reader in open_readers:
                flow.connect(3 + 2 * wire, place(reader), _ALWAYS)
    reached = flow.cut(source, sink)
    return [reached[2 + 2 * w] if s is None else s for w, s in enumerate(side)]


class _Flow:
    """A network of capacities; its greatest flow by Dinic's algorithm."""

    def __init__(self, n: int) -> None:
        self.edges: list[list[int]] = [[] for _ in range(n)]
        self.to: list[int] = []
        self.room: list[int] = []

    def connect(self, a: int, b: int, capacity: int) -> None:
        for start, end, room in ((a, b, capacity), (b, a, 0)):
            self.edges[start].append(len(self.to))
            self.to.append(end)
            self.room.append(room)

    def cut(self, source: int, sink: int) -> list[bool]:
        """Fill the network; tell which nodes can still be reached from the source."""
        while True:
            level = self._levels(source)
            if level[sink] < 0:
                return [each >= 0 for each in level]
            at = [0] * len(self.edges)
            while self._push(source, sink, level, at):
                pass

    def _levels(self, source: int) -> list[int]:
        level = [-1] * len(self.edges)
        level[source] = 0
        waiting = deque([source])
        while waiting:
            node = waiting.popleft()
            for edge in self.edges[node]:
                if self.room[edge] and level[self.to[edge]] < 0:
                    level[self.to[edge]] = level[node] + 1
                    waiting.append(self.to[edge])
        return level

    def _push(self, source: int, sink: int, level: list[int], at: list[int]) -> bool:
        """Push one unit along a shortest way; every way has an edge of capacity 1."""
        path: list[int] = []
        node = source
        while node != sink:
            while at[node] < len(self.edges[node]):
                edge = self.edges[node][at[node]]
                if self.room[edge] and level[self.to[edge]] == level[node] + 1:
                    break
                at[node] += 1
            if at[node] == len(self.edges[node]):
                if not path:
                    return False
                node = self.to[path.pop() ^ 1]
                at[node] += 1
                continue
            path.append(edge)
            node = self.to[edge]
        for edge in path:
            self.room[edge] -= 1
            self.room[edge ^ 1] += 1
        return True
