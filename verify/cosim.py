"""Co-simulation: an RTL folder against the model that it was made from, bit for bit.

>>> report = compare("rtl/", "model.onnx", x)
>>> report.mismatches, report.first

`CoSimulation` runs the RTL alone; `random_inputs` makes samples for it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from onnx import TensorProto, helper

from lgnx.files import model_name
from lgnx.network import Network
from lgnx.ops.errors import ComparisonError, InputError
from lgnx.verify.rtl import Rtl
from lgnx.verify.runner import FailingRun
from lgnx.verify.same_model import check_same_scaling
from lgnx.verify.simulation import CoSimResult, CoSimulation
from lgnx.verify.stimuli import random_inputs

__all__ = [
    "Batch",
    "CoSimResult",
    "CoSimulation",
    "ComparisonReport",
    "Mismatch",
    "Outputs",
    "compare",
    "differences",
    "model_outputs",
    "random_inputs",
    "rtl_outputs",
]

_STALLS = 25
_CHUNK = 8192  # samples simulated before they are compared: bounds the memory


@dataclass(frozen=True)
class Outputs:
    """The outputs for one sample; what a design does not have is None.

    Attributes
    ----------
    scores
        [groups] in the model's dtype.
    counts
        int64[groups]; None on the model's side, which gives scores only.
    class_index
        Lowest index of the largest score.
    trigger
        Whether the trigger's count is large enough.
    bits
        bool[n_outputs].
    """

    scores: np.ndarray | None
    counts: np.ndarray | None
    class_index: int | None
    trigger: bool | None
    bits: np.ndarray | None

    def __str__(self) -> str:
        parts = []
        if self.scores is not None:
            parts.append(f"scores {_short(self.scores)}")
        if self.counts is not None:
            parts.append(f"counts {_short(self.counts)}")
        if self.class_index is not None:
            parts.append(f"class {self.class_index}")
        if self.trigger is not None:
            parts.append(f"trigger {self.trigger:d}")
        if self.bits is not None:
            parts.append(f"bits {_short(self.bits.astype(np.uint8))}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Mismatch:
    """The first sample on which the RTL and the model differ."""

    index: int
    input: np.ndarray
    expected: Outputs
    actual: Outputs

    def __str__(self) -> str:
        return (
            f"sample {self.index}: input {_short(self.input.ravel())}; "
            f"the model gives {self.expected}; the RTL gives {self.actual}"
        )


@dataclass(frozen=True)
class ComparisonReport:
    """What a comparison found.

    Attributes
    ----------
    samples, mismatches
        How many samples were compared, and on how many the outputs differ in any bit.
    first
        The first of these.
    vcd
        The waves of that sample, where they were wanted.
    failing
        The run that it is in, for `lgnx.verify.minimise.minimise`.
    rounded
        For raw samples of a model with a scaling: on how many the model itself gives something else
        because its input was rounded to the input format. They are no mismatches.
    """

    samples: int
    mismatches: int
    first: Mismatch | None = None
    vcd: Path | None = None
    failing: FailingRun | None = None
    rounded: int = 0

    def __str__(self) -> str:
        if self.first is None:
            return f"{self.samples:,} samples: 0 mismatches"
        text = f"{self.mismatches:,} of {self.samples:,} samples differ; first is {self.first}"
        return f"{text}; waves in {self.vcd}" if self.vcd else text

    def raise_if_different(self) -> None:
        """Raise ComparisonError if a sample differs; the message is the report."""
        if self.mismatches:
            raise ComparisonError(str(self))


def compare(
    rtl: str | os.PathLike[str] | CoSimulation,
    model: Any,
    x: np.ndarray,
    *,
    session: Literal["onnxruntime", "numpy"] = "onnxruntime",
    stalls: int | None = None,
    scaled: bool = False,
    vcd: str | os.PathLike[str] | None = "mismatch.vcd",
    progress: Callable[[float], None] | None = None,
) -> ComparisonReport:
    """Simulate samples and compare every output with the model's.

    The whole scores are compared: the counts of the RTL are turned into the model's scores by the
    arithmetic of GroupSum. The class must be the lowest index of the largest score.

    Parameters
    ----------
    rtl
        RTL folder, or a simulation of one.
    model
        A `Network`, which is evaluated by numpy; or a path, bytes or ModelProto.
    x
        [batch, ...] raw samples. Where the model has a scaling, they are scaled and rounded to the
        input format (see `InputPort.model_input`), and model and RTL get the same; else they must
        be values of the format. A batch of 0 is allowed.
    session
        ``"onnxruntime"`` runs a file with the lgnx kernels, ``"numpy"`` its network with numpy.
    stalls
        See `CoSimulation.run`. None: for a design with AXI streams every other part of the samples
        without stalls, which checks the latency, and the rest with 25 of a hundred.
    scaled
        Whether the samples are the model's input already.
    vcd
        File for the waves of the first sample that differs; None writes none.
    progress
        Called with numbers of samples, which add up to the batch.

    Returns
    -------
    ComparisonReport
        Differences do not raise here: see `ComparisonReport.raise_if_different`.

    Raises
    ------
    InputError
        If the samples do not fit the RTL's input format, or RTL and model have different outputs.
    """
    if session not in ("onnxruntime", "numpy"):
        raise InputError(f"session is {session!r}; allowed: 'onnxruntime' or 'numpy'")
    x = np.asarray(x)
    simulation = rtl if isinstance(rtl, CoSimulation) else CoSimulation(rtl)
    port = simulation.rtl.input
    port.codes(x[:0])  # a wrong shape is told before anything else
    reference = model_outputs(model, simulation.rtl, session)
    mismatches, rounded, first, failing = 0, 0, None, None
    axi = simulation.rtl.handshake == "axi-stream"
    chunk = _CHUNK if not axi else min(_CHUNK, -(-len(x) // 2) or 1)
    for start in range(0, len(x), chunk):
        given = x[start : start + chunk]
        part = port.model_input(given, scaled=scaled)
        try:
            chosen = _STALLS * (start // chunk % 2) if stalls is None and axi else stalls or 0
            result = simulation.run(part, stalls=chosen, seed=start, scaled=True, progress=progress)
            actual = rtl_outputs(result, simulation.rtl)
        except InputError:
            port.codes(
                port.model_input(x, scaled=scaled)
            )  # names the sample by its place in the whole batch
            raise
        expected = reference(part)
        differs = differences(expected, actual, len(part))
        mismatches += int(differs.sum())
        if port.scaling is not None and not scaled:
            exact = reference(port.scaling.apply(given, port.dtype))
            rounded += int(differences(exact, expected, len(part)).sum())
        if first is None and differs.any():
            at = int(np.argmax(differs))
            first = Mismatch(start + at, part[at].copy(), expected.sample(at), actual.sample(at))
            failing = simulation.failing_run(part, at, stalls=chosen, seed=start)
    if first is None or vcd is None:
        return ComparisonReport(len(x), mismatches, first, None, failing, rounded)
    simulation.trace(first.input, vcd)
    return ComparisonReport(len(x), mismatches, first, Path(vcd), failing, rounded)


@dataclass(frozen=True)
class Batch:
    """`Outputs` of many samples."""

    scores: np.ndarray | None
    counts: np.ndarray | None
    class_index: np.ndarray | None
    trigger: np.ndarray | None
    bits: np.ndarray | None

    def sample(self, at: int) -> Outputs:
        """Give those of one sample."""
        scores, counts, bits = (
            None if array is None else array[at].copy()
            for array in (self.scores, self.counts, self.bits)
        )
        index = None if self.class_index is None else int(self.class_index[at])
        trigger = None if self.trigger is None else bool(self.trigger[at])
        return Outputs(scores, counts, index, trigger, bits)


def rtl_outputs(result: CoSimResult, rtl: Rtl) -> Batch:
    """Give the outputs of a simulation, counts as the model's scores, too."""
    scores = None
    if rtl.scores is not None and result.scores is not None:
        scores = rtl.scores.scores(result.scores)
    return Batch(scores, result.scores, result.class_index, result.trigger, result.bits)


def differences(expected: Batch, actual: Batch, samples: int) -> np.ndarray:
    """Tell which samples differ, in anything that both sides have."""
    differs = np.zeros(samples, np.bool_)
    for a, b in ((expected.scores, actual.scores), (expected.bits, actual.bits)):
        if a is not None and b is not None:
            differs |= (a != b).any(axis=1)
    for a, b in (
        (expected.class_index, actual.class_index),
        (expected.trigger, actual.trigger),
    ):
        if a is not None and b is not None:
            differs |= a != b
    return differs


def model_outputs(model: Any, rtl: Rtl, session: str) -> Callable[[np.ndarray], Batch]:
    """Give the function that evaluates the model on samples, see `compare`.

    Raises
    ------
    InputError
        If RTL and model have different outputs; the function may raise it, too.
    """
    if isinstance(model, Network) or session == "numpy":
        known = model if isinstance(model, Network) else Network.from_model(model)
        check_same_scaling(rtl, known.metadata, "the model")
        return lambda x: _batch([known.scores(_shaped(x, known))], None, rtl)

    from lgnx.session import InferenceSession

    runner = InferenceSession(model)
    given = runner.get_inputs()[0]
    check_same_scaling(rtl, runner.get_modelmeta().custom_metadata_map, model_name(model))
    kind = TensorProto.DataType.Name(helper.np_dtype_to_tensor_dtype(rtl.input.dtype)).lower()
    if given.type != f"tensor({kind})":
        raise InputError(
            f"the model's input {given.name!r} is {given.type}; the RTL is of one with "
            f"tensor({kind})"
        )
    network: Network | None = None
    if rtl.scoring is not None and not any(_is_scores(o.shape, rtl) for o in runner.get_outputs()):
        network = Network.from_model(model)  # the file gives the class alone

    def run(x: np.ndarray) -> Batch:
        outputs = runner.run(None, {given.name: _fitting(x, rtl)})
        extra = None if network is None else network.scores(_shaped(x, network))
        return _batch(outputs, extra, rtl)

    return run


def _is_scores(shape: Sequence[Any], rtl: Rtl) -> bool:
    assert rtl.scoring is not None
    return len(shape) == 2 and shape[1] == rtl.scoring.groups


def _shaped(x: np.ndarray, network: Network) -> np.ndarray:
    return x.reshape(len(x), *network.input_shape).astype(network.input_dtype, copy=False)


def _fitting(x: np.ndarray, rtl: Rtl) -> np.ndarray:
    """Give samples in the dtype of the model; the input format's values are exact in it."""
    return x.reshape(len(x), *rtl.input.shape).astype(rtl.input.dtype, copy=False)


def _batch(outputs: list[np.ndarray], scores: np.ndarray | None, rtl: Rtl) -> Batch:
    """Sort a model's outputs into scores, class and bits."""
    batch = len(outputs[0])
    class_index = bits = None
    for value in outputs:
        if rtl.bits is not None and value.ndim > 1 and math.prod(value.shape[1:]) == rtl.bits.bits:
            bits = value.reshape(batch, rtl.bits.bits).astype(np.bool_)
        elif scores is None and rtl.scoring is not None and _is_scores(value.shape, rtl):
            if value.dtype != rtl.scoring.dtype:
                raise InputError(
                    f"the model gives scores of {value.dtype}, the RTL was written for "
                    f"{rtl.scoring.dtype}; it belongs to another model"
                )
            scores = value
        elif value.size == batch and value.dtype.kind in "iu":
            class_index = value.reshape(batch).astype(np.int64)
    if (rtl.scoring is not None and scores is None) or (rtl.bits is not None and bits is None):
        given = ", ".join(f"{value.dtype}{list(value.shape)}" for value in outputs)
        wanted = f"{rtl.scoring.groups} scores" if rtl.scoring else "bits"
        wanted = f"{rtl.bits.bits} bits" if rtl.bits else wanted
        raise InputError(
            f"the RTL gives {wanted} per sample, the model gives {given}; it belongs to another "
            "model"
        )
    if class_index is None and scores is not None:
        class_index = scores.argmax(axis=1).astype(np.int64)
    trigger = None
    if rtl.trigger is not None and rtl.scoring is not None and scores is not None:
        # More ones are a larger score, so the counts compare as the scores do.
        enough = rtl.scoring.scores(np.array([rtl.trigger.at_least]))
        trigger = scores[:, rtl.trigger.group] >= enough[0]
    return Batch(scores, None, class_index, trigger, bits)


def _short(array: np.ndarray) -> str:
    return np.array2string(array, threshold=32, max_line_width=1_000_000, separator=" ")
