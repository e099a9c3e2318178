"""What a writer of Verilog gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hardware_networks import HardwareNetwork


@dataclass(frozen=True)
class Design:
    """Verilog of a network.

    Attributes
    ----------
    files
        Everything a simulator or synthesis reads.
    top, input, output
        Names of the top module and its data ports.
    in_width, out_width
        Widths of these.
    bits
        Samples [n, inputs] to what the input port carries, bool [n, in_width].
    result
        What the output port carries, bool [n, out_width], to the network's answer: counts int64
        [n, groups], or classes int64 [n].
    gates
        As the writer counts them, in what it wrote.
    clock, latency
        Port, and clock edges to the result; None and 0 for a combinational design.
    facts
        Other figures for the tables.
    """

    files: tuple[Path, ...]
    top: str
    input: str
    output: str
    in_width: int
    out_width: int
    bits: Callable[[np.ndarray], np.ndarray]
    result: Callable[[np.ndarray], np.ndarray]
    gates: int
    clock: str | None = None
    latency: int = 0
    facts: dict[str, int] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Size of the Verilog."""
        return sum(path.stat().st_size for path in self.files)


@dataclass(frozen=True)
class Peer:
    """One writer in one setting.

    Attributes
    ----------
    name, rank
        As the tables show it, and its place in them.
    write
        Writes the Verilog of a network into a folder, or raises `UnavailableError`.
    own
        Whether it is lgnx.
    """

    name: str
    rank: int
    write: Callable[[HardwareNetwork, Path], Design]
    own: bool = False


def counts(width: int, groups: int) -> Callable[[np.ndarray], np.ndarray]:
    """Make a reader of ports that hold counts one after another, the first one lowest."""

    def read(bits: np.ndarray) -> np.ndarray:
        return bits.reshape(len(bits), groups, width) @ (1 << np.arange(width, dtype=np.int64))

    return read


def number(bits: np.ndarray) -> np.ndarray:
    """Read a port that holds one number."""
    return bits @ (1 << np.arange(bits.shape[1], dtype=np.int64))


def codes_to_bits(codes: np.ndarray, width: int) -> np.ndarray:
    """Whole numbers [n, features] side by side, bool [n, features * width], first one lowest."""
    return (codes[:, :, None] >> np.arange(width) & 1).astype(bool).reshape(len(codes), -1)
