"""From a mismatch to the smallest case that still shows it.

>>> report = compare(simulation, "model.onnx", x)
>>> print(minimise(simulation, "model.onnx", report.failing))
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.verilog.fixed_point import FixedPoint
from lgnx.converters.verilog.write import digest
from lgnx.network import Network
from lgnx.ops.errors import InputError
from lgnx.verify.cosim import Batch, Outputs, differences, model_outputs, rtl_outputs
from lgnx.verify.delta_debugging import Budget, smallest_subset
from lgnx.verify.first_net import NetDifference, first_difference
from lgnx.verify.runner import FailingRun, HandshakeError
from lgnx.verify.simulation import CoSimulation
from lgnx.verify.smallest_run import smallest_run
from lgnx.verify.stalls import Stalls

__all__ = ["MinimalCase", "minimise"]

_SHOWN = 16  # features, and outputs
_KINDS = ("scores", "class_index", "trigger", "bits")


@dataclass(frozen=True)
class MinimalCase:
    """The smallest case that was found.

    Attributes
    ----------
    samples
        [n, ...] in the model's input; one sample unless the fault needs a run.
    features
        What is not zero there: sample, feature, value.
    stalls
        Of a stream, where the fault needs them.
    wrong
        What is wrong, in words: each output that differs, or what is wrong with the handshake.
    at, expected, actual
        A sample whose result is wrong, and its outputs; None for a fault of the handshake.
    net
        The first net that differs from the model's netlist, for a single sample.
    minimal
        Whether nothing of it can be left out alone; False if the tries ran out before.
    tried
        Cases that were simulated.
    waves
        File with the waves of this case.
    """

    samples: np.ndarray
    features: list[tuple[int, int, float]]
    stalls: Stalls
    wrong: list[str]
    at: int | None
    expected: Outputs | None
    actual: Outputs | None
    net: NetDifference | None
    minimal: bool
    tried: int
    waves: Path | None

    def __str__(self) -> str:
        return "\n".join(f"{key}: {value}" for key, value in self.rows().items())

    def rows(self) -> dict[str, str]:
        """Give what a table shows of it."""
        several = len(self.samples) > 1
        texts = [
            (f"{feature} = {value:g}" if not several else f"sample {sample}, {feature} = {value:g}")
            for sample, feature, value in self.features
        ]
        rows = {"wrong": _listed(self.wrong, "\n")}
        if several:
            which = "" if self.at is None else f"; the result of sample {self.at} is wrong"
            rows["samples"] = f"{len(self.samples)} in a run{which}"
        every = self.samples[0].size
        rows["features"] = f"{_listed(texts, ', ')}; the others of {every} are 0"
        if not texts:
            rows["features"] = f"all {every} are 0"
        if len(self.stalls):
            rows["stalls"] = str(self.stalls)
        if self.net is not None:
            rows["first net"] = str(self.net)
        if not self.minimal:
            rows["note"] = f"perhaps not the smallest case: {self.tried:,} tries were not enough"
        rows["waves"] = str(self.waves or "-")
        return rows

    def content(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {
            "samples": self.samples.reshape(len(self.samples), -1).tolist(),
            "features": [
                {"sample": s, "feature": f, "value": value} for s, f, value in self.features
            ],
            "stalls": {
                "sender": np.flatnonzero(self.stalls.sender).tolist(),
                "receiver": np.flatnonzero(self.stalls.receiver).tolist(),
            },
            "wrong": self.wrong,
            "at": self.at,
            "first_net": None if self.net is None else vars(self.net),
            "minimal": self.minimal,
            "tried": self.tried,
            "waves": None if self.waves is None else str(self.waves),
        }


def minimise(
    simulation: CoSimulation,
    model: Any,
    failing: FailingRun,
    *,
    waves: str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
) -> MinimalCase:
    """Take away from a failing run what it does not need.

    One sample alone is tried first. Its features are put to zero by delta debugging, then those
    that are left come as near to zero as they can. Where it takes a run, samples, clocks with
    stalls and features are taken away in the same manner. An output that did not differ at first
    is no reason to keep a case.

    Parameters
    ----------
    model
        As for `lgnx.verify.cosim.compare`.
    failing
        The run, of a `ComparisonReport` or a `HandshakeError`.
    waves
        File for the waves of the case, ``.vcd`` or ``.fst``.
    budget
        Of tries.

    Raises
    ------
    InputError
        If the run does not fail, or the waves cannot be written.
    """
    work = _Minimiser(simulation, model, budget or Budget())
    samples, stalls, minimal = work.smallest(failing)
    return work.case(samples, stalls, minimal, None if waves is None else Path(waves))


class _Minimiser:
    """The tries on one design."""

    def __init__(self, simulation: CoSimulation, model: Any, budget: Budget) -> None:
        self.simulation, self.rtl, self.model = simulation, simulation.rtl, model
        self.budget = budget
        self.reference = model_outputs(model, self.rtl, "onnxruntime")
        self.kinds: tuple[str, ...] = _KINDS  # of the outputs whose differences count

    def smallest(self, failing: FailingRun) -> tuple[np.ndarray, Stalls, bool]:
        samples = failing.samples
        expected, actual = self.both(samples, failing.stalls)
        if not isinstance(actual, str):
            found = [k for k in _KINDS if _differ(expected, actual, (k,), len(samples)).any()]
            if not found:
                raise InputError("the run does not fail: model and RTL agree on all of it")
            self.kinds = tuple(found)
            at = failing.at
            if at is not None and self.fail_alone(samples[at : at + 1])[0]:
                sample, minimal = self.sample(samples[at])
                return sample[np.newaxis], Stalls.none(), minimal
        handshake = isinstance(actual, str)

        def fails(x: np.ndarray, stalls: Stalls) -> bool:
            expected, actual = self.both(x, stalls)
            if handshake or isinstance(actual, str):
                return handshake and isinstance(actual, str)
            return bool(_differ(expected, actual, self.kinds, len(x)).any())

        return smallest_run(fails, samples, failing.stalls, self.budget)

    def both(self, x: np.ndarray, stalls: Stalls | None) -> tuple[Batch, Batch | str]:
        """Give the outputs of model and RTL, or what is wrong with the RTL's handshake."""
        expected = self.reference(x)
        try:
            chosen = 0 if stalls is None else stalls
            result = self.simulation.run(x, stalls=chosen, scaled=True)
        except HandshakeError as error:
            return expected, str(error)
        return expected, rtl_outputs(result, self.rtl)

    def fail_alone(self, x: np.ndarray) -> np.ndarray:
        """Tell which samples fail, each by itself and without stalls."""
        expected, actual = self.both(x, None)
        if isinstance(actual, str):
            return np.zeros(len(x), np.bool_)
        return _differ(expected, actual, self.kinds, len(x))

    def sample(self, sample: np.ndarray) -> tuple[np.ndarray, bool]:
        """Put features of a sample to zero, or near it."""
        flat = sample.ravel().copy()
        places = np.flatnonzero(flat)

        def fails(kept: np.ndarray) -> np.ndarray:
            x = np.zeros((len(kept), flat.size), flat.dtype)
            x[:, places] = np.where(kept, flat[places], flat.dtype.type(0))
            return self.fail_alone(x.reshape(len(kept), *sample.shape))

        kept, minimal = smallest_subset(fails, len(places), self.budget)
        flat[places[~kept]] = 0
        for place in places[kept].tolist():
            self.lower(flat, place, sample.shape)
        return flat.reshape(sample.shape), minimal and not self.budget.spent

    def lower(self, flat: np.ndarray, place: int, shape: tuple[int, ...]) -> None:
        """Bring one feature as near to zero as it fails, by halves and by single steps."""
        form = self.rtl.input.values[place]
        while not self.budget.spent:
            code = int(Fraction(flat[place].item()) * Fraction(2) ** form.fraction_bits)
            sign, size = (-1 if code < 0 else 1), abs(code)
            smaller = sorted({size >> s for s in range(1, size.bit_length())} | {size - 1} - {0})
            if not smaller:
                return
            x = np.repeat(flat[np.newaxis], len(smaller), axis=0)
            x[:, place] = [_value(form, sign * s, flat.dtype) for s in smaller]
            self.budget.tried += len(x)
            failing = np.flatnonzero(self.fail_alone(x.reshape(len(x), *shape)))
            if not len(failing):
                return
            flat[place] = x[failing[0], place]

    def case(self, x: np.ndarray, stalls: Stalls, minimal: bool, waves: Path | None) -> MinimalCase:
        expected, actual = self.both(x, stalls)
        single = len(x) == 1 and not len(stalls)
        net = None if isinstance(actual, str) or not single else self.net(x[0])
        if waves is not None:
            self.simulation.trace_run(x, waves, stalls)
        samples, features = np.nonzero(x.reshape(len(x), -1))
        values = x.reshape(len(x), -1)[samples, features].tolist()
        case = MinimalCase(
            samples=x,
            features=list(
                zip(samples.tolist(), features.tolist(), map(float, values), strict=True)
            ),
            stalls=stalls,
            wrong=[],
            at=None,
            expected=None,
            actual=None,
            net=net,
            minimal=minimal,
            tried=self.budget.tried,
            waves=waves,
        )
        if isinstance(actual, str):
            return replace(case, wrong=[actual])
        at = int(np.flatnonzero(_differ(expected, actual, _KINDS, len(x)))[0])
        wanted, found = expected.sample(at), actual.sample(at)
        return replace(case, wrong=_wrong(wanted, found), at=at, expected=wanted, actual=found)

    def net(self, sample: np.ndarray) -> NetDifference | None:
        """Find the first net that differs, where the model is the one of the design."""
        network = self.model
        if not isinstance(network, Network):
            network = Network.from_model(self.model)
        if self.rtl.stream or digest(network.netlist) != self.rtl.netlist_sha256:
            return None
        with tempfile.TemporaryDirectory(prefix="lgnx-") as folder:
            path = Path(folder) / "case.vcd"
            self.simulation.trace(sample, path)
            return first_difference(self.rtl, network, sample, path)


def _differ(expected: Batch, actual: Batch, kinds: Sequence[str], samples: int) -> np.ndarray:
    others = {kind: None for kind in _KINDS if kind not in kinds}
    return differences(replace(expected, **others), actual, samples)


def _value(form: FixedPoint, code: int, dtype: np.dtype) -> float | int:
    value = form.value(code)
    return float(value) if dtype.kind == "f" else int(value)


def _wrong(expected: Outputs, actual: Outputs) -> list[str]:
    """Name each output that differs."""
    found = []
    for kind in _KINDS:
        wanted, given = getattr(expected, kind), getattr(actual, kind)
        if wanted is None or given is None:
            continue
        if np.ndim(wanted) == 0:
            if wanted != given:
                found.append(f"{kind}: the model gives {int(wanted)}, the RTL {int(given)}")
            continue
        for i in np.flatnonzero(wanted != given).tolist():
            found.append(f"{kind}[{i}]: the model gives {wanted[i]:g}, the RTL {given[i]:g}")
    return found


def _listed(texts: list[str], between: str) -> str:
    more = len(texts) - _SHOWN
    return between.join(texts[:_SHOWN] + ([f"and {more:,} more"] if more > 0 else []))
