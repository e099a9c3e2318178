"""Co-simulation of many samples: 64 of them side by side in the nets of the same Verilog.

>>> lanes = LaneSimulation("rtl/", "model.onnx")
>>> report = compare_lanes(lanes, CoSimulation("rtl/"), "model.onnx", x)

The modules of logic and counts are simulated here. What stands around them, comparators, registers,
class, trigger and handshake, is computed as the RTL states it, and is simulated in the ordinary way
on a part of the same samples, with which the two ways are compared.
"""

from __future__ import annotations

import dataclasses
import os
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np

from lgnx.converters.verilog.encoder import encode
from lgnx.converters.verilog.write import digest
from lgnx.network import Network
from lgnx.ops.errors import ComparisonError, InputError
from lgnx.verify.build import available_cpus
from lgnx.verify.cosim import (
    ComparisonReport,
    CoSimResult,
    CoSimulation,
    Mismatch,
    compare,
    differences,
    model_outputs,
    rtl_outputs,
)
from lgnx.verify.lanes_build import LANES, build_lanes, code_type
from lgnx.verify.rtl import Rtl, read_rtl
from lgnx.verify.sandbox import Place, Sandbox

__all__ = ["CHECKED", "LaneSimulation", "compare_lanes", "lanes_pay"]

CHECKED = 1024  # samples of a comparison that are simulated in the ordinary way, too

_CHUNK = 64 * LANES  # samples in one call of the library
# Seconds that `benchmarks/cosimulation.py` measured: of a build, and of a gate in it; of a gate for
# each sample in the ordinary simulation.
_BUILD, _BUILD_GATE, _ORDINARY_GATE = 3.0, 3.5e-4, 1.0e-9
_ALIGNED = 64


def lanes_pay(rtl: Rtl, network: Network, samples: int) -> bool:
    """Tell whether lanes can simulate a design, and save more time than their build takes."""
    known = digest(network.netlist) == rtl.netlist_sha256
    constant = not any(module.role == "logic" for module in rtl.modules)
    if rtl.stream is not None or constant or not known:
        return False
    gates = network.netlist.n_nodes
    return gates * samples * _ORDINARY_GATE >= _BUILD + gates * _BUILD_GATE


class LaneSimulation:
    """The simulation of an RTL folder's logic, 64 samples at a time.

    Parameters
    ----------
    rtl_dir
        Folder that `lgnx.converters.verilog.write_rtl` wrote.
    model
        From which it was written: a `Network`, a path, bytes or ModelProto.
    cache_dir, jobs, progress, timeout
        See `CoSimulation`; the time limit is for 4,096 samples.

    Raises
    ------
    InputError
        If the design is a streaming one, or has no logic since its outputs are constant, or was
        written from another model.
    ModelError, ToolError, MissingExtraError
        As `CoSimulation` does.
    """

    def __init__(
        self,
        rtl_dir: str | os.PathLike[str],
        model: Any,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        jobs: int | None = None,
        progress: Callable[[float], None] | None = None,
        timeout: float = 600.0,
    ) -> None:
        if jobs is not None and jobs < 1:
            raise InputError(f"jobs is {jobs}; allowed: 1 or more")
        self.rtl = read_rtl(rtl_dir)
        if self.rtl.stream is not None:
            raise InputError(f"{self.rtl.folder}: lanes are for dense designs, this one streams")
        network = model if isinstance(model, Network) else Network.from_model(model)
        if digest(network.netlist) != self.rtl.netlist_sha256:
            raise InputError(
                f"{self.rtl.folder}: lanes need the model from which the RTL was written, this is "
                "another one, or another form of it"
            )
        forms = {str(i): str(form) for i, form in enumerate(self.rtl.input.values)}
        ports = {str(i): str(port) for i, port in enumerate(self.rtl.input.ports)}
        encoder = encode(network, {"features": forms}, {"features": ports})
        self._jobs = jobs or available_cpus()
        self._timeout = timeout
        self.library_path = build_lanes(
            self.rtl, encoder, cache_dir=cache_dir, jobs=self._jobs, progress=progress
        )
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()

    def run(self, x: np.ndarray, *, progress: Callable[[float], None] | None = None) -> CoSimResult:
        """Simulate samples.

        Parameters
        ----------
        x
            ``[batch, ...]`` in the model's input; each value must be one of the RTL's input format.
            A batch of 0 is allowed.
        progress
            Called with numbers of samples, which add up to the batch.

        Raises
        ------
        InputError
            If a value is not representable, or the number of features is wrong.
        ToolError
            If the simulation itself stops, crashes, or takes longer than the time limit.
        """
        rtl = self.rtl
        codes = self._codes(x)
        words = np.empty((len(codes), -(-_output_bits(rtl) // 64)), np.uint64)
        steps = [slice(i, min(i + _CHUNK, len(codes))) for i in range(0, len(codes), _CHUNK)]

        def work(step: slice) -> int:
            try:
                process = self._idle.get_nowait()
            except queue.Empty:
                process = _Process(self, codes.shape[1], words.shape[1])
            process.run(codes[step], words[step])
            self._idle.put(process)
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
        return _results(rtl, words)

    def _codes(self, x: np.ndarray) -> np.ndarray:
        """Give numbers as the comparators of the port see them."""
        port, wanted = self.rtl.input, code_type(self.rtl)
        codes = port.codes(x)
        if wanted.kind == "u":
            return codes
        signed = codes.view(codes.dtype.name.removeprefix("u"))
        if wanted == signed.dtype and all(form.signed for form in port.ports):
            return signed
        return np.where([form.signed for form in port.ports], signed, codes.astype(wanted))


def _output_bits(rtl: Rtl) -> int:
    if rtl.bits is not None:
        return rtl.bits.bits
    assert rtl.scoring is not None
    return rtl.scoring.groups * rtl.scoring.width


def _results(rtl: Rtl, words: np.ndarray) -> CoSimResult:
    """Give the outputs from the bits that the network gives, 64 of a sample to a word."""
    if rtl.bits is not None:
        flags = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        return CoSimResult(None, None, None, flags[:, : rtl.bits.bits].view(np.bool_))
    assert rtl.scoring is not None
    width = rtl.scoring.width
    counts = np.empty((len(words), rtl.scoring.groups), np.int64)
    for group in range(rtl.scoring.groups):
        word, low = divmod(group * width, 64)
        count = words[:, word] >> np.uint64(low)
        if low + width > 64:
            count = count | words[:, word + 1] << np.uint64(64 - low)
        counts[:, group] = count & np.uint64((1 << width) - 1)
    trigger = None
    if rtl.trigger is not None:
        trigger = counts[:, rtl.trigger.group] >= rtl.trigger.at_least
    return CoSimResult(
        counts if rtl.scores is not None else None,
        counts.argmax(axis=1) if rtl.class_index is not None else None,
        trigger,
        None,
    )


class _Process:
    """One instance of the logic in a process of its own, used by one thread at a time."""

    def __init__(self, simulation: LaneSimulation, features: int, words: int) -> None:
        rtl, kind = simulation.rtl, code_type(simulation.rtl)
        self._there = -(-_CHUNK * features * kind.itemsize // _ALIGNED) * _ALIGNED
        self._sandbox = Sandbox(
            simulation.library_path,
            f"the simulation of {rtl.top} in lanes",
            memory_bytes=self._there + _CHUNK * words * 8,
            timeout=simulation._timeout,
            new="lgnx_lanes_new",
        )
        self._codes = self._sandbox.view(0, (_CHUNK, features), kind)
        self._words = self._sandbox.view(self._there, (_CHUNK, words), np.uint64)

    def run(self, codes: np.ndarray, words: np.ndarray) -> None:
        self._codes[: len(codes)] = codes
        places = (Place(0), len(codes), Place(self._there))
        status, message = self._sandbox.call("lgnx_lanes_run", *places)
        if status:
            raise ComparisonError(f"the parts of the RTL do not fit together: {message}")
        words[:] = self._words[: len(codes)]


def compare_lanes(
    lanes: LaneSimulation,
    simulation: CoSimulation,
    model: Any,
    x: np.ndarray,
    *,
    scaled: bool = False,
    checked: int = CHECKED,
    progress: Callable[[float], None] | None = None,
) -> ComparisonReport:
    """Compare every output with the model's, as `compare` does, with all samples in lanes.

    Parameters
    ----------
    simulation
        The ordinary simulation of the same folder: it gets samples spread over all of them, and
        the first one on which lanes and model differ.
    model, x, scaled, progress
        See `compare`.
    checked
        How many samples it gets.

    Raises
    ------
    ComparisonError
        If lanes and ordinary simulation differ on a sample.
    InputError
        As `compare` does.
    """
    x, rtl = np.asarray(x), lanes.rtl
    port = rtl.input
    given = port.model_input(x, scaled=scaled)
    actual = rtl_outputs(lanes.run(given, progress=progress), rtl)
    reference = model_outputs(model, rtl, "onnxruntime")
    expected = reference(given)
    differs = differences(expected, actual, len(given))
    rounded = 0
    if port.scaling is not None and not scaled:
        exact = reference(port.scaling.apply(x, port.dtype))
        rounded = int(differences(exact, expected, len(given)).sum())
    spread = np.unique(np.linspace(0, len(given) - 1, min(checked, len(given))).astype(np.int64))
    places = np.union1d(spread, np.flatnonzero(differs)[:1]).astype(np.int64)
    ordinary = compare(simulation, model, given[places], scaled=True, vcd=None)
    known = differs[places]
    if ordinary.mismatches != int(known.sum()):
        raise ComparisonError(
            f"{rtl.folder}: on {len(places):,} samples lanes and model differ {int(known.sum())} "
            f"times, ordinary simulation and model {ordinary.mismatches} times"
        )
    first = ordinary.first
    if first is not None:
        first = dataclasses.replace(first, index=int(places[first.index]))
    elif differs.any():
        at = int(np.argmax(differs))
        first = Mismatch(at, given[at].copy(), expected.sample(at), actual.sample(at))
    return ComparisonReport(len(x), int(differs.sum()), first, None, ordinary.failing, rounded)
