"""Simulation of an RTL folder over many samples."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from lgnx.ops.errors import InputError
from lgnx.verify.build import available_cpus, build_library
from lgnx.verify.rtl import Rtl, read_rtl
from lgnx.verify.runner import FailingRun, HandshakeError, Runner, output_arrays, sample_bytes
from lgnx.verify.stalls import Stalls, random_stalls

__all__ = ["CoSimResult", "CoSimulation"]

TIMEOUT = 600.0  # seconds that a call of the library may take

_CHUNK = 1024  # samples in one call of the library
_CHUNK_BYTES = 1 << 26  # that they may take
_CHUNK_CLOCKS = 1 << 17  # that they may take in a streaming design


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
    timeout
        Seconds that 1,024 samples may take. The simulation runs in processes of its own: one that
        crashes or never ends is an error, and no more.

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
        timeout: float = TIMEOUT,
    ) -> None:
        if jobs is not None and jobs < 1:
            raise InputError(f"jobs is {jobs}; allowed: 1 or more")
        self.rtl: Rtl = read_rtl(rtl_dir)
        self.cache_dir = cache_dir
        self.jobs = jobs or available_cpus()
        self.timeout = timeout
        self.library_path = build_library(
            self.rtl, cache_dir=cache_dir, jobs=self.jobs, progress=progress
        )
        self._idle: queue.SimpleQueue[Runner] = queue.SimpleQueue()

    def run(
        self,
        x: np.ndarray,
        *,
        stalls: int | Stalls = 0,
        seed: int = 0,
        scaled: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> CoSimResult:
        """Simulate samples.

        Parameters
        ----------
        x
            ``[batch, ...]`` raw samples, as `InputPort.model_input` takes them: where the model has
            no scaling, each value must be one of the RTL's input format. A batch of 0 is allowed.
        scaled
            Whether they are the model's input already.
        stalls
            For a design with AXI streams: in so many of a hundred clocks, chosen at random, the
            sender has no sample, and in as many the receiver takes no result; 0 to 95. Or the
            pattern itself, where all samples are one run.
        seed
            Of the random ones.
        progress
            Called with numbers of samples, which add up to the batch.

        Raises
        ------
        InputError
            If a value is not representable (names the first), or the number of features is wrong,
            or a design that cannot stall is to.
        HandshakeError
            If a pipelined design does not give its results at the latency that its sidecar states,
            or loses, repeats or delays a result for ever.
        ToolError
            If the simulation itself stops, say because combinational logic oscillates, crashes, or
            takes longer than the time limit.
        """
        pattern = stalls if isinstance(stalls, Stalls) else None
        percent = 0 if isinstance(stalls, Stalls) else stalls
        random_stalls(0, percent, seed)  # a wrong number is told at once
        if (percent or pattern) and self.rtl.handshake != "axi-stream":
            raise InputError("only a design with the handshake axi-stream can stall")
        x = self.rtl.input.model_input(x, scaled=scaled)
        codes = self.rtl.codes(x)
        batch = len(codes)
        outputs = output_arrays(self.rtl, batch)
        chunk = self._chunk if pattern is None else max(1, batch)
        steps = [slice(i, min(i + chunk, batch)) for i in range(0, batch, chunk)]

        def work(step: slice) -> int:
            handle = self._take(chunk)
            parts = [None if o is None else o[step] for o in outputs]
            samples = step.stop - step.start
            drawn = random_stalls(samples * self.rtl.interval, percent, seed + step.start)
            try:
                handle.run(codes[step], parts, pattern or drawn, fresh=pattern is not None)
            except HandshakeError as error:
                error.failing = FailingRun(x[step], pattern or drawn)
                self._idle.put(handle)  # not after another error, which ends the process
                raise
            self._idle.put(handle)
            return samples

        with ThreadPoolExecutor(max(1, min(self.jobs, len(steps)))) as pool:
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
        self,
        x: np.ndarray,
        *,
        scaled: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> np.ndarray:
        """Simulate samples and give what the model would: scores, or bits without a group sum.

        Takes and raises what `run` does.

        Returns
        -------
        numpy.ndarray
            [batch, groups] in the dtype of the model's scores, or bool[batch, n_outputs].
        """
        result = self.run(x, scaled=scaled, progress=progress)
        if self.rtl.scores is not None and result.scores is not None:
            return self.rtl.scores.scores(result.scores)
        assert result.bits is not None
        return result.bits

    def failing_run(self, x: np.ndarray, at: int, *, stalls: int = 0, seed: int = 0) -> FailingRun:
        """Give the part of a run that a sample with a wrong result is in.

        Parameters
        ----------
        x
            ``[batch, ...]`` in the model's input.
        at
            Place of the sample.
        stalls, seed
            What `run` got.
        """
        first = at // self._chunk * self._chunk
        samples = np.asarray(x)[first : first + self._chunk].copy()
        return FailingRun(samples, random_stalls(len(samples), stalls, seed + first), at - first)

    def trace(
        self,
        sample: np.ndarray,
        path: str | os.PathLike[str],
    ) -> None:
        """Write the waves of one sample, ``[...]`` of the model's input without the batch.

        See `trace_run`.
        """
        self.trace_run(np.asarray(sample)[np.newaxis], path)

    def trace_run(
        self, x: np.ndarray, path: str | os.PathLike[str], stalls: Stalls | None = None
    ) -> None:
        """Write the waves of a run from power-up; see `lgnx.verify.waveform.write_waves`."""
        from lgnx.verify.waveform import write_waves

        write_waves(
            *(self.rtl, x, path),
            stalls=stalls,
            timeout=self.timeout,
            cache_dir=self.cache_dir,
            jobs=self.jobs,
        )

    @property
    def _chunk(self) -> int:
        """Samples of a call, fewer where they are large."""
        rtl = self.rtl
        return max(1, min(_CHUNK, _CHUNK_BYTES // sample_bytes(rtl), _CHUNK_CLOCKS // rtl.interval))

    def _take(self, samples: int) -> Runner:
        """Give a process that has room for so many samples."""
        try:
            handle = self._idle.get_nowait()
        except queue.Empty:
            handle = None
        if handle is None or handle.samples < samples:
            handle = Runner(self.library_path, self.rtl, samples, self.timeout)
        return handle
