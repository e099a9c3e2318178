"""What layers of torch_dwn compute, read from live modules, checkpoints or state dicts.

A layer of tables gives ``luts > 0`` at the address whose bit l is its input of slot l. Its inputs
are those of its ``mapping``, or those that a learned one weighs most, the first among equals.
torch_dwn's forward, which needs a GPU, is not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.checkpoint import class_path
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import MAX_INPUTS, pack_tables

if TYPE_CHECKING:
    import torch

__all__ = [
    "Groups",
    "Tables",
    "as_array",
    "check_chain",
    "groups_of",
    "layers_of",
    "ordered",
    "tables_of",
]

_LEARNED = "mapping.weights"
_DEEPEST = 100
_PASSING = ("Identity", "Dropout", "Flatten")  # of torch.nn, where samples are rows of bits


@dataclass(frozen=True)
class Tables:
    """A layer of tables.

    Attributes
    ----------
    name
        Of the layer in its module.
    indices, tables
        As of LogicDense: int32 [N, k] and uint8 [N, nb].
    n_inputs
        Bits that it reads, where the layer says so.
    is_bits
        Whether it gives bits, rather than the numbers of its tables (``ste=False``).
    """

    name: str
    indices: np.ndarray
    tables: np.ndarray
    n_inputs: int | None = None
    is_bits: bool = True


@dataclass(frozen=True)
class Groups:
    """A sum over groups of bits: count / tau.

    Attributes
    ----------
    order
        The bits that it sums, by their number in its input; None for all of them as they are.
    """

    name: str
    groups: int
    tau: float = 1.0
    order: np.ndarray | None = None


def as_array(value: Any, name: str) -> np.ndarray:
    """Give a tensor or what numpy takes for one as an array.

    Raises
    ------
    ModelError
        If it holds no numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise ModelError(f"{name} is a {type(value).__name__}, must be a tensor of numbers")
    return array


def tables_of(
    name: str,
    state: Mapping[str, torch.Tensor],
    n_inputs: int | None = None,
    is_bits: bool = True,
) -> Tables:
    """Read a layer from its part of a state dict: ``luts``, and ``mapping`` or ``mapping.weights``.

    Raises
    ------
    ModelError
        If a tensor is missing, or of a shape that does not fit; the message names the layer.
    """
    where = f"layer {name!r}"
    if "luts" not in state:
        raise ModelError(f"{where}: has no luts; its tensors are: {', '.join(state) or 'none'}")
    luts = as_array(state["luts"], f"{where}: luts")
    size = luts.shape[-1] if luts.ndim == 2 else 0
    k = max(size, 1).bit_length() - 1
    if size != 1 << k or not 1 <= k <= MAX_INPUTS:
        raise ModelError(
            f"{where}: luts has shape {list(luts.shape)}, must be [N, 2^n] with n from 1 to "
            f"{MAX_INPUTS}"
        )
    if _LEARNED in state:
        weights = as_array(state[_LEARNED], f"{where}: {_LEARNED}")
        if weights.ndim != 2 or weights.shape[1] != len(luts) * k or not len(weights):
            raise ModelError(
                f"{where}: {_LEARNED} has shape {list(weights.shape)}, must be [inputs, "
                f"{len(luts) * k}] for {len(luts)} tables of {k} inputs"
            )
        indices, n_inputs = weights.argmax(0).reshape(-1, k), len(weights)
    elif "mapping" in state:
        indices = as_array(state["mapping"], f"{where}: mapping")
        if indices.shape != (len(luts), k) or indices.dtype.kind not in "iu":
            raise ModelError(
                f"{where}: mapping is {indices.dtype}{list(indices.shape)}, must be "
                f"int32[{len(luts)}, {k}] for {len(luts)} tables of {k} inputs"
            )
        _check_range(indices, n_inputs, f"{where}: mapping")
    else:
        raise ModelError(f"{where}: has neither mapping nor {_LEARNED}")
    return Tables(name, indices.astype(np.int32), pack_tables(luts > 0), n_inputs, is_bits)


def _check_range(indices: np.ndarray, n: int | None, name: str) -> None:
    low, high = int(indices.min(initial=0)), int(indices.max(initial=0))
    if low < 0 or high >= (n if n is not None else 1 << 31):
        wrong = low if low < 0 else high
        limit = "must not be negative" if low < 0 else f"there are {n} inputs"
        raise ModelError(f"{name}: reads input {wrong}, {limit}")


def groups_of(name: str, k: Any, tau: Any = 1.0, randperm: Any = None) -> Groups:
    """Read a sum over groups.

    Raises
    ------
    ModelError
        If a value cannot be; the message names the layer.
    """
    where = f"layer {name!r}"
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ModelError(f"{where}: k is {k!r}, must be a number of groups, at least 1")
    try:
        divisor = float(tau)
    except (TypeError, ValueError):
        divisor = math.nan
    if not (math.isfinite(divisor) and divisor > 0):
        raise ModelError(f"{where}: tau is {tau!r}, must be finite and greater than 0")
    order = None
    if randperm is not None:
        order = as_array(randperm, f"{where}: randperm")
        if order.ndim != 1 or order.dtype.kind not in "iu" or not len(order):
            raise ModelError(
                f"{where}: randperm is {order.dtype}{list(order.shape)}, must be the numbers of "
                "the bits to sum"
            )
    return Groups(name, int(k), divisor, order)


def ordered(groups: Groups, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Bits that a sum counts, of ``width``: their numbers, and which are there.

    The sum takes them in its order, and adds zeros at the end until they fill its groups.

    Returns
    -------
    tuple of numpy.ndarray
        int64 [N] and bool [N], where groups divides N; False stands for a 0 that is added.

    Raises
    ------
    ModelError
        If the order has bits that there are not.
    """
    order = np.arange(width) if groups.order is None else groups.order.astype(np.int64)
    _check_range(order, width, f"layer {groups.name!r}: randperm")
    missing = -len(order) % groups.groups
    present = np.ones(len(order), bool)
    return np.pad(order, (0, missing)), np.pad(present, (0, missing))


def layers_of(module: Any, by_name: bool = False) -> list[Tables | Groups]:
    """Read a module: torch_dwn's layers, alone or in a ``torch.nn.Sequential``.

    Parameters
    ----------
    module
        A live module, or the stub of one from a checkpoint.
    by_name
        Take classes of any package for torch_dwn's that are called like them.

    Raises
    ------
    ModelError
        If it holds other layers than these and those that leave bits as they are; the message
        names them.
    """
    layers: list[Tables | Groups] = []
    waiting: list[tuple[str, Any, int]] = [("", module, 0)]
    while waiting:
        name, part, depth = waiting.pop()
        if class_path(part) != "torch.nn.modules.container.Sequential":
            _read(part, name, layers, by_name)
            continue
        if depth > _DEEPEST:
            raise ModelError(f"its containers are nested more than {_DEEPEST} deep")
        children = _held(part, "_modules")
        prefix = f"{name}." if name else ""
        waiting += [
            (f"{prefix}{key}", children[key], depth + 1) for key in reversed(list(children))
        ]
    return layers


def _read(module: Any, name: str, layers: list[Tables | Groups], by_name: bool) -> None:
    path = class_path(module)
    kind = path.rpartition(".")[2]
    own = by_name or path.startswith("torch_dwn.")
    attributes = getattr(module, "__dict__", {})
    if own and kind == "LUTLayer":
        parts, state = _held(module, "_modules"), dict(_held(module, "_parameters"))
        if "mapping" in parts:
            state.pop("mapping", None)
            state[_LEARNED] = getattr(parts["mapping"], "weights", None)
        size, ste = attributes.get("input_size"), attributes.get("ste", True)
        if not isinstance(ste, bool):
            raise ModelError(f"layer {name!r}: ste is a {class_path(ste)}, must be true or false")
        n_inputs = int(size) if isinstance(size, (int, np.integer)) else None
        layers.append(tables_of(name, state, n_inputs, ste))
    elif own and kind == "GroupSum":
        tau, order = attributes.get("tau", 1), attributes.get("randperm")
        layers.append(groups_of(name, attributes.get("k"), tau, order))
    elif own and kind == "STE":
        if layers and isinstance(layers[-1], Tables):
            layers[-1] = replace(layers[-1], is_bits=True)
    elif not (path.startswith("torch.nn.modules.") and kind in _PASSING):
        raise ModelError(
            f"module {name!r} is a {path}; of the modules only torch_dwn's layers in a Sequential "
            "tell what they compute. Describe the network by a spec instead"
        )


def _held(module: Any, kind: str) -> Mapping[Any, Any]:
    """Parameters or submodules of a module, which in a checkpoint may be anything."""
    held = getattr(module, "__dict__", {}).get(kind)
    return held if isinstance(held, Mapping) else {}


def check_chain(layers: Sequence[Tables | Groups]) -> None:
    """Check that layers follow one another in a way that makes a network.

    Raises
    ------
    ModelError
        If not; the message names the layer.
    """
    if not any(isinstance(layer, Tables) for layer in layers):
        raise ModelError("has no layers of tables (torch_dwn's LUTLayer)")
    for before, layer in zip([None, *layers], layers, strict=False):
        if isinstance(before, Groups):
            raise ModelError(
                f"layer {layer.name!r}: comes after the sum of layer {before.name!r}, which must "
                "be the last one"
            )
        if isinstance(layer, Groups) and before is None:
            raise ModelError(f"layer {layer.name!r}: there is no layer of tables before the sum")
        if isinstance(before, Tables) and isinstance(layer, Tables):
            n = len(before.indices)
            if layer.n_inputs not in (None, n):
                raise ModelError(
                    f"layer {layer.name!r}: reads {layer.n_inputs} bits, layer {before.name!r} "
                    f"gives {n}"
                )
            _check_range(layer.indices, n, f"layer {layer.name!r}: mapping")
    last = [layer for layer in layers if isinstance(layer, Tables)][-1]
    if not last.is_bits:
        raise ModelError(
            f"layer {last.name!r}: was made with ste=False, so it gives the numbers of its tables; "
            "only a layer of tables after it makes bits of them"
        )
