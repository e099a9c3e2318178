"""The 16 gates of two inputs; the only list of them in lgnx.

A gate's number is its truth table: bit j is the output at address j = x0 + 2 * x1.
"""

from __future__ import annotations

GATE_NAMES: tuple[str, ...] = (
    "0",
    "~(x0 | x1)",
    "x0 & ~x1",
    "~x1",
    "~x0 & x1",
    "~x0",
    "x0 ^ x1",
    "~(x0 & x1)",
    "x0 & x1",
    "~(x0 ^ x1)",
    "x0",
    "x0 | ~x1",
    "x1",
    "~x0 | x1",
    "x0 | x1",
    "1",
)

AND, XOR, NOR, AND_NOT = 0x8, 0x6, 0x1, 0x2
