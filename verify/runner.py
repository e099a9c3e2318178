"""One simulation of a design, in a process of its own."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lgnx.ops.errors import ComparisonError, ToolError
from lgnx.verify.rtl import Rtl
from lgnx.verify.sandbox import Place, Sandbox
from lgnx.verify.stalls import MOST_STALLS, Stalls, random_stalls

__all__ = ["FailingRun", "HandshakeError", "Runner", "output_arrays", "sample_bytes"]

_WRONG_HANDSHAKE = 2  # kWrongHandshake of the harness
_ALIGNED = 64


@dataclass(frozen=True)
class FailingRun:
    """A run that went wrong.

    Attributes
    ----------
    samples
        [n, ...] of the model's input.
    stalls
        Of a design with AXI streams.
    at
        Place of a sample with a wrong result; None if the handshake is wrong.
    """

    samples: np.ndarray
    stalls: Stalls
    at: int | None = None


class HandshakeError(ComparisonError):
    """Results came at a wrong time, too often, or not at all.

    Attributes
    ----------
    failing
        The run, where it is known.
    """

    failing: FailingRun | None = None


def output_arrays(rtl: Rtl, batch: int) -> list[np.ndarray | None]:
    """Give arrays for the outputs of a batch; None for one that the design does not have."""
    return [
        None if shape is None else np.zeros((batch, *shape), kind)
        for shape, kind in _outputs_of(rtl)
    ]


def sample_bytes(rtl: Rtl) -> int:
    """Give the memory that a sample takes, with its results."""
    outputs = [0 if o is None else o.nbytes for o in output_arrays(rtl, 1)]
    stalls = 2 * len(_worst_stalls(rtl, 1)) if rtl.handshake == "axi-stream" else 0
    return math.prod(rtl.code_shape) * rtl.input.code_dtype.itemsize + sum(outputs) + stalls


def _worst_stalls(rtl: Rtl, samples: int) -> Stalls:
    return random_stalls(samples * rtl.interval, MOST_STALLS, 0)


def _outputs_of(rtl: Rtl) -> list[tuple[tuple[int, ...] | None, type]]:
    """Shapes and dtypes of the outputs of a sample, as the harness writes them."""
    return [
        ((rtl.scores.groups,) if rtl.scores else None, np.int64),
        (() if rtl.class_index else None, np.int64),
        (() if rtl.trigger else None, np.uint8),
        ((rtl.bits.bits,) if rtl.bits else None, np.uint8),
    ]


class Runner:
    """One instance of the design in a process of its own, used by one thread at a time.

    Parameters
    ----------
    library
        What `lgnx.verify.build.build_library` gives.
    samples
        For how many there is room.
    timeout
        Seconds that a call may take.
    """

    def __init__(self, library: Path, rtl: Rtl, samples: int, timeout: float) -> None:
        self._rtl, self.samples = rtl, samples
        self._places: list[Place | None] = []
        self._views: list[np.ndarray | None] = []
        clocks = len(_worst_stalls(rtl, samples)) if rtl.handshake == "axi-stream" else 0
        wanted: list[tuple[tuple[int, ...] | None, np.dtype | type]] = [
            ((samples, *rtl.code_shape), rtl.input.code_dtype),
            *((None if s is None else (samples, *s), kind) for s, kind in _outputs_of(rtl)),
            *[((clocks,), np.uint8)] * 2,
        ]
        places: list[int] = []
        size = 0
        for shape, kind in wanted:
            places.append(size)
            bytes_ = 0 if shape is None else math.prod(shape) * np.dtype(kind).itemsize
            size += -(-bytes_ // _ALIGNED) * _ALIGNED
        what = f"the simulation of {rtl.top}"
        self._sandbox = Sandbox(library, what, memory_bytes=size, timeout=timeout)
        for place, (shape, kind) in zip(places, wanted, strict=True):
            self._places.append(None if shape is None else Place(place))
            self._views.append(None if shape is None else self._sandbox.view(place, shape, kind))

    def call(
        self,
        codes: np.ndarray,
        stalls: Stalls,
        *,
        fresh: bool = False,
        waves: str | os.PathLike[str] | None = None,
    ) -> tuple[int, str]:
        """Run samples; give the status of the harness and its message.

        Parameters
        ----------
        codes
            What `Rtl.codes` gives.
        stalls
            Of a design with AXI streams.
        fresh
            Whether to begin at power-up, rather than as the run before left it.
        waves
            File for the waves, of a library that writes them.

        Raises
        ------
        ToolError
            If the simulation crashes, or takes too long.
        """
        given, *_, sender, receiver = self._views
        assert given is not None
        assert sender is not None
        assert receiver is not None
        given[: len(codes)] = codes
        clocks = min(len(stalls), len(sender))  # a longer pattern than any run
        sender[:clocks], receiver[:clocks] = stalls.sender[:clocks], stalls.receiver[:clocks]
        place, *places = self._places
        path = None if waves is None else os.fspath(waves)
        numbers = (clocks, int(fresh))
        return self._sandbox.call("lgnx_sim_run", place, len(codes), *places, *numbers, path)

    def run(
        self,
        codes: np.ndarray,
        outputs: Sequence[np.ndarray | None],
        stalls: Stalls,
        *,
        fresh: bool = False,
    ) -> None:
        """Run samples and put the results into arrays, as `output_arrays` gives them.

        Raises
        ------
        HandshakeError
            If the handshake is not what the sidecar says.
        ToolError
            If the simulation fails.
        """
        status, message = self.call(codes, stalls, fresh=fresh)
        if status == _WRONG_HANDSHAKE:
            raise HandshakeError(
                f"{self._rtl.folder}: the sidecar states a latency of {self._rtl.latency}, but "
                f"{message}"
            )
        if status != 0:
            raise ToolError(f"the simulation of {self._rtl.top} stopped: {message}")
        _, *results, _, _ = self._views
        for result, output in zip(results, outputs, strict=True):
            if result is not None and output is not None:
                output[...] = result[: len(codes)]

    def coverage(self, path: str | os.PathLike[str]) -> tuple[int, str]:
        """Write what toggled since power-up, of a library that counts; give status and message."""
        return self._sandbox.call("lgnx_sim_coverage", os.fspath(path))

    def close(self) -> None:
        """End the process."""
        self._sandbox.close()
