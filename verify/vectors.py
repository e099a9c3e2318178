"""Vectors for the testbenches of an RTL folder, with what the model gives in onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.projects.vectors import Vectors
from lgnx.network import Network
from lgnx.ops.errors import InputError
from lgnx.verify.cosim import Batch, model_outputs
from lgnx.verify.rtl import Rtl, read_rtl
from lgnx.verify.rtl_ports import ScoresPort
from lgnx.verify.stimuli import random_inputs

__all__ = ["make_vectors"]


def make_vectors(
    rtl_dir: str | Path,
    model: Any,
    *,
    x: np.ndarray | None = None,
    random: int = 0,
    seed: int = 0,
) -> Vectors:
    """Evaluate a model on samples, and write samples and results as the RTL's ports carry them.

    Parameters
    ----------
    rtl_dir
        Folder that lgnx wrote.
    model
        Path, bytes or ModelProto of its model.
    x
        [batch, ...] raw samples, as `InputPort.model_input` takes them.
    random
        Number of random samples behind these; corners first, see `random_inputs`.
    seed
        Of these.

    Raises
    ------
    InputError
        If a sample is not one of the input format, there is none, or the model is another one.
    ModelError
        If the folder or the model cannot be read.
    """
    rtl = read_rtl(rtl_dir)
    parts, origin = [], []
    if x is not None:
        given = rtl.input.model_input(x)
        parts.append(given.reshape(len(given), *rtl.input.shape))
        origin.append(f"{len(x)} given samples")
    if random:
        thresholds = Network.from_model(model).thresholds
        parts.append(random_inputs(rtl, random, seed=seed, thresholds=thresholds))
        origin.append(f"{random} corners and random samples of seed {seed}")
    if not sum(map(len, parts)):
        raise InputError(f"{rtl.folder}: no samples are given for its vectors")
    outputs, codes, results = model_outputs(model, rtl, "onnxruntime"), [], []
    for part in parts:
        codes.append(_input_bits(rtl, part))
        results.append(_output_bits(rtl, outputs(part)))
    return Vectors(
        rtl.build_id, np.concatenate(codes), np.concatenate(results), " and ".join(origin)
    )


def _input_bits(rtl: Rtl, x: np.ndarray) -> np.ndarray:
    """Bits of the port, lowest first: bool[batch, width]; of a stream those of all beats."""
    codes = rtl.codes(x)
    if rtl.stream is None:
        widths = [port.width for port in rtl.input.ports]
    else:
        widths = [width for _, width in rtl.stream.slots] * rtl.stream.beats
        codes = codes.reshape(len(x), -1)
    fields = [_bits(codes[:, place], width) for place, width in enumerate(widths)]
    return np.concatenate(fields, axis=1)


def _output_bits(rtl: Rtl, found: Batch) -> np.ndarray:
    """Bits of all outputs, in the order in which a stream packs them."""
    fields: list[np.ndarray] = []
    if rtl.scores is not None:
        assert found.scores is not None
        counts = _counts(rtl.scores, found.scores)
        fields += [_bits(counts[:, group], rtl.scores.width) for group in range(rtl.scores.groups)]
    if rtl.class_index is not None:
        assert found.class_index is not None
        fields.append(_bits(found.class_index, rtl.class_index.width))
    if rtl.trigger is not None:
        assert found.trigger is not None
        fields.append(found.trigger[:, None])
    if rtl.bits is not None:
        assert found.bits is not None
        fields.append(found.bits)
    return np.concatenate(fields, axis=1)


def _bits(numbers: np.ndarray, width: int) -> np.ndarray:
    words = numbers.astype(np.uint64)
    return (words[:, None] >> np.arange(width, dtype=np.uint64) & np.uint64(1)).astype(np.bool_)


def _counts(port: ScoresPort, scores: np.ndarray) -> np.ndarray:
    """Give the counts that have these scores; more ones are always a larger score."""
    exact = scores.astype(np.float64)
    near = np.rint((exact - port.beta) * port.tau - port.bias).astype(np.int64)
    found = np.full(scores.shape, -1)
    for step in (0, -1, 1):
        counts = near + step
        found = np.where((port.scores(counts) == scores) & (found < 0), counts, found)
    if (found < 0).any():
        raise InputError("the model gives scores that no count of the RTL has; it is another model")
    return found
