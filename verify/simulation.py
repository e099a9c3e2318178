"""Simulation of an RTL folder over many samples."""

from __future__ import annotations

import ctypes
import os
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lgnx.ops.errors import ComparisonError, InputError, ToolError
from lgnx.verify.build import available_cpus, build_library
from lgnx.verify.rtl import Rtl, read_rtl

__all__ = ["CoSimResult", "CoSimulation"]

_CHUNK = 1024  # samples in one call of the library
_MESSAGE_BYTES = 1024
_MOST_STALLS = 95
_WRONG_HANDSHAKE = 2  # kWrongHandshake of the harness


@dataclass(frozen=True)
class CoSimResult:
    """What the RTL gave for a batch; an output that the design does not have is None.

    Attributes
    ----------
    scores
        int64[batch, groups], the counts of ones as they stand at the port.
    class_index
        int64[batch].
    trigger
        bool[batch].
    bits
        bool[batch, n_outputs] of a network without a group sum.
    """

    scores: np.ndarray | None
    class_index: np.ndarray | None
    trigger: np.ndarray | None
    bits: np.ndarray | None


class CoSimulation:
    """The simulation of one RTL folder.

    Parameters
    ----------
    rtl_dir
        Folder that `lgnx.converters.verilog.write_rtl` wrote.
    cache_dir
        Where built libraries are kept; by default ``LGNX_CACHE_DIR``, else
        ``~/.cache/lgnx/cosim``.
    jobs
        Processors to use, for the build and for the runs; by default all.
    progress
        Called during the build with amounts that add up to 1.

    Raises
    ------
    ModelError
        If the folder's sidecar is missing or wrong.
    ToolError, MissingExtraError
        If Verilator or a C++ compiler is missing or fails.
    """

    def __init__(
        self,
        rtl_dir: str | os.PathLike[str],
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        jobs: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        if jobs is not None and jobs < 1:
            raise InputError(f"jobs is {jobs}; allowed: 1 or more")
        self.rtl: Rtl = read_rtl(rtl_dir)
        self._cache_dir = cache_dir
        self._jobs = jobs or available_cpus()
        self.library_path = build_library(
            self.rtl, cache_dir=cache_dir, jobs=self._jobs, progress=progress
        )
        self._library = _Library(self.library_path)
        self._idle: queue.SimpleQueue[_Handle] = queue.SimpleQueue()
        self._traced: _Library | None = None

    def run(
        self,
        x: np.ndarray,
        *,
        stalls: int = 0,
        seed: int = 0,
        progress: Callable[[float], None] | None = None,
    ) -> CoSimResult:
        """Simulate samples.

        Parameters
        ----------
        x
            ``[batch, ...]`` in the model's input; each value must be one of the RTL's input format.
            A batch of 0 is allowed.
        stalls
            For a design with AXI streams: in so many of a hundred clocks, chosen at random, the
            sender has no sample, and in as many the receiver takes no result; 0 to 95.
        seed
            Of these.
        progress
            Called with numbers of samples, which add up to the batch.

        Raises
        ------
        InputError
            If a value is not representable (names the first), or the number of features is wrong,
            or a design that cannot stall is to.
        ComparisonError
            If a pipelined design does not give its results at the latency that its sidecar states,
            or loses, repeats or delays a result for ever.
        ToolError
            If the simulation itself stops, say because combinational logic oscillates.
        """
        if not 0 <= stalls <= _MOST_STALLS:
            raise InputError(f"stalls is {stalls}; allowed: 0 to {_MOST_STALLS}")
        if stalls and self.rtl.handshake != "axi-stream":
            raise InputError("only a design with the handshake axi-stream can stall")
        codes = self.rtl.input.codes(x)
        batch = len(codes)
        outputs = self._outputs(batch)
        steps = [slice(i, min(i + _CHUNK, batch)) for i in range(0, batch, _CHUNK)]

        def work(step: slice) -> int:
            handle = self._take()
            parts = [None if o is None else o[step] for o in outputs]
            handle.run(codes[step], parts, stalls, seed + step.start)
            self._idle.put(handle)  # not after an error, which may leave samples in the pipeline
            return step.stop - step.start

        with ThreadPoolExecutor(max(1, min(self._jobs, len(steps)))) as pool:
            tasks = [pool.submit(work, step) for step in steps]
            try:
                for task in as_completed(tasks):
                    done = task.result()
                    if progress is not None:
                        progress(done)
            except BaseException:
                for task in tasks:
                    task.cancel()
                raise
        counts, classes, triggers, bits = outputs
        return CoSimResult(
            counts,
            classes,
            None if triggers is None else triggers.view(np.bool_),
            None if bits is None else bits.view(np.bool_),
        )

    def scores(
        self, x: np.ndarray, *, progress: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """Simulate samples and give what the model would: scores, or bits without a group sum.

        Takes and raises what `run` does.

        Returns
        -------
        numpy.ndarray
            [batch, groups] in the dtype of the model's scores, or bool[batch, n_outputs].
        """
        result = self.run(x, progress=progress)
        if self.rtl.scores is not None and result.scores is not None:
            return self.rtl.scores.scores(result.scores)
        assert result.bits is not None
        return result.bits

    def trace(self, sample: np.ndarray, path: str | os.PathLike[str]) -> None:
        """Write the waves of one sample as a VCD file.

        The first call builds a second library, which can trace.

        Parameters
        ----------
        sample
            One sample: ``[...]`` of the model's input without the batch.
        path
            File to write.

        Raises
        ------
        InputError
            If the sample does not fit, or the file cannot be written.
        """
        from lgnx.verify.waveform import write_waves

        if self._traced is None:
            self._traced = _Library(
                build_library(self.rtl, trace=True, cache_dir=self._cache_dir, jobs=self._jobs)
            )
        write_waves(self._traced.functions, self.rtl, sample, path)

    def _take(self) -> _Handle:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return _Handle(self._library, self.rtl)

    def _outputs(self, batch: int) -> list[np.ndarray | None]:
        rtl = self.rtl
        return [
            np.zeros((batch, rtl.scores.groups), np.int64) if rtl.scores else None,
            np.zeros(batch, np.int64) if rtl.class_index else None,
            np.zeros(batch, np.uint8) if rtl.trigger else None,
            np.zeros((batch, rtl.bits.bits), np.uint8) if rtl.bits else None,
        ]


class _Library:
    """The loaded shared library with its C interface."""

    def __init__(self, path: Path) -> None:
        try:
            self.functions = ctypes.CDLL(str(path))
        except OSError as error:
            raise ToolError(f"{path}: the simulation cannot be loaded: {error}") from None
        pointer, size = ctypes.c_void_p, ctypes.c_uint64
        self.functions.lgnx_sim_new.argtypes = [ctypes.c_char_p, size]
        self.functions.lgnx_sim_new.restype = pointer
        self.functions.lgnx_sim_free.argtypes = [pointer]
        self.functions.lgnx_sim_free.restype = None
        self.functions.lgnx_sim_run.argtypes = [
            *(pointer, pointer, size, pointer, pointer, pointer, pointer),
            *(ctypes.c_uint, size, ctypes.c_char_p, size),
        ]
        self.functions.lgnx_sim_run.restype = ctypes.c_int


class _Handle:
    """One instance of the model, used by one thread at a time."""

    def __init__(self, library: _Library, rtl: Rtl) -> None:
        self._library, self._rtl = library, rtl
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        self._pointer = library.functions.lgnx_sim_new(message, _MESSAGE_BYTES)
        if not self._pointer:
            raise ToolError(f"the simulation of {rtl.top} stopped: {message.value.decode()}")

    def __del__(self) -> None:
        if getattr(self, "_pointer", None):
            self._library.functions.lgnx_sim_free(self._pointer)

    def run(
        self, codes: np.ndarray, outputs: Sequence[np.ndarray | None], stalls: int, seed: int
    ) -> None:
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        places = (None if array is None else array.ctypes.data for array in outputs)
        status = self._library.functions.lgnx_sim_run(
            *(self._pointer, codes.ctypes.data, len(codes), *places),
            *(stalls, seed, message, _MESSAGE_BYTES),
        )
        if status == _WRONG_HANDSHAKE:
            raise ComparisonError(
                f"{self._rtl.folder}: the sidecar states a latency of {self._rtl.latency}, but "
                f"{message.value.decode()}"
            )
        if status != 0:
            raise ToolError(f"the simulation of {self._rtl.top} stopped: {message.value.decode()}")
