"""What an engine offers, and what it may say instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from networks import Network

OUT = Path(__file__).resolve().parents[1] / "out"
"""Everything that is built or measured goes here; git ignores it."""

INSTALL = "python benchmarks/install_peers.py"

Call = Callable[[np.ndarray], np.ndarray]
"""Takes bool [n, inputs], gives the scores [n, groups]."""


class UnavailableError(Exception):
    """The engine does not serve this network.

    Parameters
    ----------
    reason
        A few words, for the table.
    hint
        What helps.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(f"{reason}: {hint}" if hint else reason)
        self.reason = reason


@dataclass(frozen=True)
class Ready:
    """A network that is ready to run.

    Attributes
    ----------
    call
        Runs a batch.
    seconds
        What it took, by step: trace, generate, compile, load. A compiled file that was kept brings
        the times with it that were measured when it was made.
    gates
        Runs only the gates of so many samples and gives the seconds, where that can be timed.
    """

    call: Call
    seconds: dict[str, float]
    gates: Callable[[np.ndarray], float] | None = None


@dataclass(frozen=True)
class Engine:
    """One engine in one setting.

    Attributes
    ----------
    name
        As the tables show it.
    rank
        Its place in them.
    prepare
        Makes a network ready, or raises `UnavailableError`. The second argument is the
        processor time, in seconds, after which a compiler is stopped; at 0 none is started.
    bits
        Bits of the widest layer that one call may hold. An engine that holds a layer of the whole
        batch gets smaller batches, which fit the memory and the cache; None where the engine cuts
        the batch up by itself.
    multiple
        The batch must be a multiple of it; smaller ones are padded.
    """

    name: str
    rank: int
    prepare: Callable[[Network, float], Ready]
    bits: int | None = None
    multiple: int = 1
