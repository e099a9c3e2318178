"""What an engine offers, and what it may say instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from networks import Network

OUT = Path(__file__).resolve().parents[1] / "out"
"""Everything that is built or measured goes here; git ignores it."""

INSTALL = "python benchmarks/install_peers.py"

Call = Callable[[np.ndarray], np.ndarray]
"""Takes bool [n, inputs], gives the scores [n, groups]."""


class UnavailableError(Exception):
    """The engine does not serve this network; the message goes into the table."""


@dataclass(frozen=True)
class Ready:
    """A network that is ready to run.

    Attributes
    ----------
    call
        Runs a batch.
    seconds
        What it took, by step: trace, generate, compile, load. Where the compiled file comes from
        the cache, these are the times of the day when it was compiled.
    gates
        Runs only the gates of a batch of so many samples and gives the seconds, where that can be
        timed.
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
        Makes a network ready, or raises `UnavailableError`. The second argument is the number of
        seconds after which a compiler is stopped.
    bits
        Bits of the widest layer that one call may hold; an engine that holds a layer for the whole
        batch does not get a batch that would not fit the memory, or only the cache of a server.
        None where the engine walks through the batch by itself.
    multiple
        The batch must be a multiple of it; smaller ones are padded.
    latency
        Whether it is measured with small batches, too.
    scores
        Whether the call gives scores; otherwise only ``gates`` is measured.
    """

    name: str
    rank: int
    prepare: Callable[[Network, float], Ready]
    bits: int | None = None
    multiple: int = 1
    latency: bool = True
    scores: bool = field(default=True)
