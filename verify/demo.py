"""The whole path of a model on one example, every stage compared with every other bit for bit.

:class:`Demo` holds one method for each step; nothing here prints. ``lgnx demo`` runs the steps and
shows the table, :meth:`Demo.write_report` writes it all down.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from lgnx.check import check_or_raise
from lgnx.files import save_model
from lgnx.functions import attach_functions
from lgnx.inspect import inspect
from lgnx.netlist.view import cone, draw_cone
from lgnx.network import Network
from lgnx.ops.errors import InputError, require
from lgnx.optimize import optimize
from lgnx.passes.pipelines import lower
from lgnx.session import InferenceSession
from lgnx.verify.reference import run_reference
from lgnx.verify.report import Report, Stage, figure_svg, write_report
from lgnx.verify.verilator import find_compiler, find_verilator

__all__ = ["Demo", "Progress"]

INPUT_FORMAT = "ufixed<5,1>"  # the pixels are k/16 in 0..1; the format reaches 31/16
RANDOM_SAMPLES = 10_000
PIPELINE = 1  # levels of gates between two registers

_DRAWABLE_OUTPUTS, _DRAWABLE_NODES = 500, 24

# Opens a step: (what it does, its length or None) -> context with a function that advances it.
Progress = Callable[[str, "float | None"], AbstractContextManager[Callable[[float], None]]]


def _silent(
    description: str, total: float | None
) -> AbstractContextManager[Callable[[float], None]]:
    return nullcontext(lambda amount: None)


class Demo:
    """A classifier of handwritten digits on its way from training to simulated RTL.

    The methods are called in the order of :attr:`STEPS`.

    Attributes
    ----------
    folder
        Where the files go.
    stages
        What was compared so far; the first is the reference of all others.
    samples
        The inputs of every stage: the labelled test set, then random values of the input format.
    """

    STEPS = (
        "train",
        "export",
        "run_reference",
        "run_self_contained",
        "run_bitwise",
        "run_layers",
        "run_network",
        "optimize",
        "simulate_netlist",
        "simulate_rtl",
    )

    def __init__(self, folder: Path, *, quick: bool = False, progress: Progress = _silent) -> None:
        """Prepare a run; nothing is written yet.

        Parameters
        ----------
        folder
            Made if it does not exist.
        quick
            Train for a few seconds only, at the cost of accuracy.
        progress
            Told about every step that takes long.
        """
        self.folder = folder
        self.quick = quick
        self.stages: list[Stage] = []
        self.samples = np.zeros((0, 64), np.float32)
        self._progress = progress
        self._labels = np.zeros(0, np.int64)
        self._scores = np.zeros((0, 10), np.float32)
        self._seconds: dict[str, float] = {}
        self._functions: dict[str, dict[str, int]] = {}
        self._facts: dict[str, str] = {}
        self._files: dict[str, str] = {}

    @property
    def mismatches(self) -> int:
        """Samples on which a stage differs from the first, over all stages."""
        return sum(stage.mismatches for stage in self.stages)

    # ------------------------------------------------------------------------------- steps
    # Each returns a sentence about what it did.

    def train(self) -> str:
        """Train the classifier and make the samples of all stages."""
        from lgnx.verify.digits import train_digits
        from lgnx.verify.stimuli import random_inputs

        self._check_tools()
        started = time.perf_counter()
        with self._progress("training", 1.0) as advance:
            trained = train_digits(
                quick=self.quick, progress=lambda step, steps, *_: advance(1 / steps)
            )
        seconds = self._seconds["train"] = time.perf_counter() - started
        self._trained = trained
        self._labels = trained.y_test
        extra = random_inputs(INPUT_FORMAT, (RANDOM_SAMPLES, trained.x_test.shape[1]))
        self.samples = np.concatenate([trained.x_test, extra.astype(np.float32)])
        return (
            f"trained on {len(trained.x_train):,} digits in {seconds:.0f} s; "
            f"{100 * trained.accuracy:.1f} % of {len(trained.x_test)} others are right"
        )

    def export(self) -> str:
        """Export the module, check the file, and take torch's scores as the reference."""
        from lgnx.converters.torch_export import export

        torch = require("torch", extra="torch")
        module = self._trained.model
        with self._progress("exporting", None):
            self._model, seconds = _timed(lambda: export(module, self._trained.x_test[:2]))
        check_or_raise(self._model)
        path = self._save("exported model", "digits.onnx", self._model)
        info = inspect(self._model)
        self._seconds["export"], self._gates = seconds, info.gates
        self._functions["as trained"] = info.functions

        def run(x: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return module(torch.from_numpy(x)).numpy()

        self._compare("torch", info.gates, self._seconds["train"], run)
        return f"exported and checked {path}: {info.gates:,} gates in {len(info.layers)} nodes"

    def run_reference(self) -> str:
        """Evaluate the file with the numpy references."""
        self._compare(
            "numpy reference",
            self._gates,
            self._seconds["export"],
            lambda x: run_reference(self._model, x)[0],
        )
        return "evaluated the numpy references"

    def run_self_contained(self) -> str:
        """Run the file with operator bodies on stock onnxruntime."""
        model, seconds = _timed(lambda: attach_functions(self._model))
        path = self._save("self-contained model", "digits_self_contained.onnx", model)
        self._compare("self-contained, stock ORT", self._gates, seconds, _stock(path))
        return f"ran {path} on stock onnxruntime"

    def run_bitwise(self) -> str:
        """Lower to words of bits and run that on stock onnxruntime."""
        model, seconds = _timed(lambda: lower(self._model, to="bitwise"))
        path = self._save("bitwise level", "digits_bitwise.onnx", model)
        gates = inspect(model).gates
        self._compare("bitwise, stock ORT", gates, seconds, _stock(path))
        return f"lowered to {path}, ran it on stock onnxruntime"

    def run_layers(self) -> str:
        """Run the exported file with the custom operators, node by node."""
        path = self.folder / "digits.onnx"
        self._compare("layers, custom ops", self._gates, None, _custom(path))
        return f"ran {path} with the custom operators"

    def run_network(self) -> str:
        """Lower to one gate program and run that with the custom operator."""
        model, seconds = _timed(lambda: lower(self._model, to="network", simplify=False))
        path = self._save("network level", "digits_network.onnx", model)
        gates = inspect(model).gates
        self._compare("network, custom op", gates, seconds, _custom(path))
        return f"lowered to {path}: {gates:,} gates in one node"

    def optimize(self) -> str:
        """Optimise the gate program, prove it equal and run it."""
        with self._progress("optimising and proving", None):
            (self._optimized, reports), seconds = _timed(lambda: optimize(self._model))
        path = self._save("optimised network", "digits_optimized.onnx", self._optimized)
        info = inspect(self._optimized)
        self._functions["optimised"] = info.functions
        verdict = "; ".join(str(report.verdict) for report in reports)
        self._facts["optimisation"] = "; ".join(
            f"{r.nodes_before:,} gates, depth {r.depth_before} -> {r.nodes_after:,} gates, "
            f"depth {r.depth_after}"
            for r in reports
        )
        self._facts["proof of the optimisation"] = verdict
        self._compare("optimised, custom op", info.gates, seconds, _custom(path))
        return f"optimised to {path}: {info.gates:,} gates, depth {info.depth}; {verdict}"

    def simulate_netlist(self) -> str:
        """Simulate the optimised netlist in numpy."""
        self._network = Network.from_model(self._optimized)
        self._compare("netlist, numpy", self._network.netlist.n_nodes, None, self._network.scores)
        return "simulated the netlist in numpy"

    def simulate_rtl(self) -> str:
        """Write the RTL, build it with Verilator and simulate all samples."""
        from lgnx.converters.verilog import write_rtl
        from lgnx.verify.simulation import CoSimulation

        started = time.perf_counter()
        folder = self.folder / "rtl"
        sidecar = write_rtl(self._network, folder, input_format=INPUT_FORMAT, stages_every=PIPELINE)
        self._files["RTL"], self._files["sidecar"] = "rtl/", "rtl/lgnx.json"
        self._facts["input format"] = f"{INPUT_FORMAT} (pixels k/16)"
        self._facts["RTL"] = (
            f"pipelined: one sample every clock, {sidecar['latency']} clocks from sample to class"
        )
        with self._progress("building the simulation", 1.0) as advance:
            simulation = CoSimulation(folder, progress=advance)
        seconds = time.perf_counter() - started

        def run(x: np.ndarray) -> np.ndarray:
            result = simulation.run(x)
            assert result.scores is not None  # the classifier has a group sum
            scores = self._network.scale(result.scores)
            wrong = result.class_index != scores.argmax(axis=1)
            scores[wrong] = np.nan  # a class that does not follow from its scores is a mismatch
            return scores

        self._compare("RTL, Verilator", sidecar["gates"], seconds, run)
        return f"wrote {folder}, built it with Verilator, simulated it"

    # ------------------------------------------------------------------------------- report

    def write_report(self) -> Path:
        """Write ``report.html`` beside the models and return its path."""
        path = self.folder / "report.html"
        drawing, drawing_text = self._drawing()
        write_report(
            Report(
                title="Handwritten digits: one network, from PyTorch to RTL",
                summary=(
                    f"Every stage computed the scores of {len(self._labels):,} test images and "
                    f"{len(self.samples) - len(self._labels):,} random inputs; all scores of all "
                    f"stages were compared bit for bit with the first stage's."
                ),
                stages=self.stages,
                functions=self._functions,
                facts={**self._facts, "versions": _versions()},
                files=self._files,
                drawing=drawing,
                drawing_text=drawing_text,
            ),
            path,
        )
        return path

    def _drawing(self) -> tuple[str, str]:
        """Draw the largest cone, among the first outputs, that is still easy to look at."""
        network = self._network
        outputs = range(min(_DRAWABLE_OUTPUTS, network.netlist.n_outputs))
        sizes = {output: cone(network.netlist, output).n_nodes for output in outputs}
        small = [o for o in outputs if sizes[o] <= _DRAWABLE_NODES]
        chosen = max(small or [0], key=lambda output: sizes[output])
        names = None
        if network.thresholds is not None:
            sign = ">" if network.strict else "≥"
            names = [
                f"p{pixel} {sign} {threshold:.2f}"
                for pixel, row in enumerate(network.thresholds.tolist())
                for threshold in row
            ]
        axes = draw_cone(network.netlist, chosen, input_names=names)
        digit = chosen // network.group_size
        text = (
            f"Output {chosen}, one of the {network.group_size:,} votes for digit {digit}: "
            f"{sizes[chosen]} gates. A dashed red wire is complemented; p is a pixel."
        )
        return figure_svg(axes.figure, "cone"), text

    # ------------------------------------------------------------------------------- helpers

    def _check_tools(self) -> None:
        """Let what would fail after minutes fail at once."""
        for module, extra in (("jinja2", "rtl"), ("aigverse", "proof"), ("matplotlib", "view")):
            require(module, extra=extra)
        find_verilator()
        find_compiler()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be made: {error.strerror}") from None

    def _save(self, label: str, name: str, model: onnx.ModelProto) -> Path:
        path = self.folder / name
        save_model(model, path)
        self._files[label] = name
        return path

    def _compare(
        self,
        name: str,
        gates: int | None,
        seconds: float | None,
        run: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """Run a stage on all samples and compare every score with the first stage's."""
        with self._progress(f"running {name}", None):
            scores, elapsed = _best(lambda: run(self.samples))
        if not self.stages:
            self._scores = scores
        right = scores[: len(self._labels)].argmax(axis=1) == self._labels
        self.stages.append(
            Stage(
                name=name,
                gates=gates,
                seconds=seconds,
                samples_per_second=len(self.samples) / elapsed,
                accuracy=float(right.mean()),
                mismatches=_differences(scores, self._scores),
            )
        )


def _differences(scores: np.ndarray, expected: np.ndarray) -> int:
    """Count the rows that differ in any bit of any score."""
    if scores.shape != expected.shape or scores.dtype != expected.dtype:
        return len(expected)
    return int((scores != expected).any(axis=1).sum())


def _timed(action: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = action()
    return result, time.perf_counter() - started


def _best(action: Callable[[], Any], budget: float = 0.3) -> tuple[Any, float]:
    """Run once, and again while that is quick; return the result and the shortest time."""
    result, best = _timed(action)
    spent = best
    while spent < budget:
        _, seconds = _timed(action)
        best, spent = min(best, seconds), spent + seconds
    return result, best


def _stock(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]


def _custom(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    session = InferenceSession(str(path), fuse=False)
    return lambda x: session.run(None, {session.get_inputs()[0].name: x})[0]


def _versions() -> str:
    found = []
    for name in ("lgnx", "onnx", "onnxruntime", "torch", "torchlogix", "aigverse", "verilator"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join([*found, f"Python {platform.python_version()}"])
