"""Models as modules of difflogic, to go on training or to compile them there."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.difflogic import import_difflogic
from lgnx.converters.formats import Format
from lgnx.converters.gate_numbers import checked_confidence, gate_logits
from lgnx.converters.layer_chain import read_chain
from lgnx.converters.layer_steps import Chain, Compare, Dense, Pool, Reshape, Step, Sum
from lgnx.ops.errors import InputError, ModelError, require
from lgnx.ops.tables import unpack_tables

if TYPE_CHECKING:
    import torch

__all__ = ["FORMAT", "to_difflogic"]

_PARTS = ("all", "logic")
_WAY_OUT = "lgnx.lower(model, to='network') makes gates of it, which become LogicLayers"


def to_difflogic(
    model: Any, *, confidence: float = 0.951, part: str = "all", device: str = "cpu"
) -> torch.nn.Sequential:
    """Turn a model into a difflogic module, to go on training or to compile it.

    Each dense layer becomes a LogicLayer with the same connections, whose weights choose the same
    gates; tables of more than two inputs become several layers of gates, and so do the gates of a
    network-level model, with gates that hand values on.

    Parameters
    ----------
    model
        Path, bytes or ModelProto, of the layer or the network level.
    confidence
        How sure the soft outputs of training mode are: the probability that a gate gives the bit
        it gives in evaluation.
    part
        ``"all"``: the whole model, whose input must be bits, since difflogic has no thermometer.
        ``"logic"``: what comes after the thermometer. The module then takes its bits, those of one
        number next to each other: ``lgnx.torch.thermometer(x, thresholds).flatten(1).float()``.
    device
        Where the layers live, ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    torch.nn.Sequential
        In evaluation mode. It takes bits as float32 0 and 1, and gives bits and scores as float32.
        An ArgMax at the end is left out, with a warning.

    Raises
    ------
    ModelError
        If the model is wrong or difflogic has no such layers; the node and the reason are named.
    InputError
        If an argument is wrong.
    MissingExtraError
        If torch or difflogic is not installed.
    """
    confidence = checked_confidence(confidence)
    if part not in _PARTS:
        raise InputError(f"part is {part!r}, must be all or logic")
    torch = require("torch", extra="torch")
    import_difflogic()
    chain = read_chain(model)
    steps = _behind_thermometer(chain) if part == "logic" else chain.steps
    if chain.left_out:
        warnings.warn(f"{chain.where}: {chain.left_out} is left out", stacklevel=2)
    with torch.random.fork_rng(devices=[]):
        layers = [layer for step in steps for layer in _layers(chain, step, confidence, device)]
    return torch.nn.Sequential(*layers).eval()


def _behind_thermometer(chain: Chain) -> list[Step]:
    """The steps behind the thermometer, for bits in its own order."""
    at = next((i for i, step in enumerate(chain.steps) if isinstance(step, Compare)), None)
    if at is None:
        raise ModelError(f"{chain.where}: has no thermometer, so it is all logic: give part='all'")
    compare, steps = chain.steps[at], chain.steps[at + 1 :]
    assert isinstance(compare, Compare)
    count = compare.thresholds.shape[-1]
    bits = np.arange(math.prod(compare.shape) * count).reshape(*compare.shape, count)
    order = np.moveaxis(bits, -1, compare.axis).ravel()
    while steps and isinstance(steps[0], Reshape):
        shape, steps = steps[0].shape, steps[1:]
        if len(shape) != 1:
            raise chain.refuse(compare.name, "Thermometer", f"its bits become images; {_WAY_OUT}")
    if np.array_equal(order, np.arange(len(order))):
        return steps
    first = steps[0] if steps else None
    if not isinstance(first, Dense):
        raise chain.refuse(
            compare.name, "Thermometer", f"its bits are moved, not by a dense layer; {_WAY_OUT}"
        )
    return [replace(first, indices=order[first.indices]), *steps[1:]]


def _layers(chain: Chain, step: Step, confidence: float, device: str) -> list[torch.nn.Module]:
    if isinstance(step, Reshape):
        return step.modules()
    if isinstance(step, Dense):
        gates = [step] if step.indices.shape[1] <= 2 else step.as_gates()
        return [_layer(layer, confidence, device) for layer in gates]
    if isinstance(step, Sum):
        return [_sum(chain, step, device)]
    if isinstance(step, Compare):
        raise chain.refuse(
            step.name,
            "Thermometer",
            "difflogic has none; part='logic' takes the bits behind it",
        )
    kind = "OrPool" if isinstance(step, Pool) else "LogicConv"
    raise chain.refuse(step.name, kind, f"difflogic has no such layer; {_WAY_OUT}")


def _layer(step: Dense, confidence: float, device: str) -> torch.nn.Module:
    import torch
    from difflogic import LogicLayer

    tables = unpack_tables(step.tables, step.indices.shape[1])
    tables = np.tile(tables, 4 // tables.shape[-1])  # a second input that does not matter
    wires = torch.from_numpy(step.indices[:, [0, -1]]).to(device)
    with _connections(LogicLayer, (wires[:, 0].contiguous(), wires[:, 1].contiguous())):
        layer = LogicLayer(step.in_dim, len(step.indices), device=device)
    with torch.no_grad():
        layer.weights.copy_(gate_logits(tables, confidence))
    return layer


@contextmanager
def _connections(kind: Any, indices: tuple[torch.Tensor, torch.Tensor]) -> Iterator[None]:
    """Let a LogicLayer that is made have these connections; it also keeps what follows from them.

    difflogic itself draws them, and refuses layers that cannot read all their inputs.
    """
    own = kind.get_connections
    kind.get_connections = lambda layer, connections, device="cuda": indices
    try:
        yield
    finally:
        kind.get_connections = own


def _sum(chain: Chain, step: Sum, device: str) -> torch.nn.Module:
    from difflogic import GroupSum

    for name, value in (("bias", step.bias), ("beta", step.beta)):
        if value != 0:
            raise chain.refuse(
                step.name, "GroupSum", f"{name} is {value:g}; difflogic's GroupSum only divides"
            )
    if step.dtype != np.float32 and step.dtype.kind not in "iu":
        raise chain.refuse(step.name, "GroupSum", f"scores are {step.dtype}, difflogic has float32")
    return GroupSum(step.groups, tau=step.tau, device=device)


FORMAT = Format(
    name="difflogic-module",
    title="modules of difflogic, to go on training or to compile",
    writes="a torch.nn.Sequential with the same discrete function; save it with torch.save",
    extra="torch",
    python="lgnx.to_difflogic(model)",
)
