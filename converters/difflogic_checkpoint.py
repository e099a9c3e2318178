"""Networks of difflogic in files of torch: whole modules, or state dicts with a spec.

A state dict of difflogic has the weights alone. The connections, which are drawn at random when a
layer is made, are a plain attribute; so are tau and the number of classes. Whole modules have them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.checkpoint import (
    Stub,
    checkpoint_head,
    class_path,
    find_state,
    load_checkpoint,
    submodules,
)
from lgnx.converters.difflogic_model import Counted, Encoder, Gates, network_model
from lgnx.converters.gate_numbers import swap_gates
from lgnx.converters.network_spec import Layer, Spec, missing_spec, read_spec
from lgnx.metadata import SOURCE_FORMAT, TRAINING_TOOL
from lgnx.ops.errors import LgnxError, ModelError

__all__ = ["is_checkpoint", "read_checkpoint"]

_MODULES = ("model", "net", "network", "module")
_CONTAINERS = ("torch.nn.modules.container.Sequential",)
_NOTHING = ("torch.nn.modules.linear.Identity", "torch.nn.modules.dropout.Dropout")
_FLATTEN = "torch.nn.modules.flatten.Flatten"
_LAYER, _SUM = "difflogic.difflogic.LogicLayer", "difflogic.difflogic.GroupSum"
_FIELDS: dict[str, set[str]] = {
    "thermometer": {"thresholds", "strict"},
    "flatten": set(),
    "logic_dense": {"k", "inputs", "indices"},
    "group_sum": {"groups", "tau"},
}
_SOURCE = {SOURCE_FORMAT: "difflogic"}
_MOST_MODULES = 10_000


def read_checkpoint(path: Path, spec: Path | None = None) -> onnx.ModelProto:
    """Read a network of difflogic that `torch.save` wrote.

    Parameters
    ----------
    path
        A whole module, which difflogic need not be installed for, or a state dict.
    spec
        What the state dict lacks: the connections, as ``indices`` of each layer, and the sum.

    Returns
    -------
    onnx.ModelProto
        A LogicDense for each layer and a GroupSum, on ``x`` bool [batch, n], or numbers where the
        spec has a thermometer.

    Raises
    ------
    ModelError
        If the file is no network of difflogic, or lacks its connections and there is no spec; the
        message names the module or layer and, where a spec is missing, shows one.
    """
    path = Path(path)
    loaded = load_checkpoint(path)
    if spec is not None:
        described = read_spec(spec, "difflogic", _FIELDS)
        return _described(path, described, find_state(loaded))
    try:
        module = _module(loaded)
        if module is None:
            raise _incomplete(find_state(loaded))
        parts = [_part(name, part) for name, part in _walk(module)]
        facts = {TRAINING_TOOL: "difflogic", **_SOURCE}
        return _joined([part for part in parts if part is not None], facts, None, None, "module")
    except LgnxError as error:
        raise ModelError(f"{path}: {error}") from None


def is_checkpoint(path: Path) -> bool:
    """Tell a checkpoint of difflogic from those of other tools, by the names in it."""
    head = checkpoint_head(path)
    others = (b"luts", b"connections", b"torchlogix", b"torch_dwn", b"thermomet")
    return b"difflogic" in head or (
        b".weights" in head and not any(other in head for other in others)
    )


def _module(loaded: Any) -> Stub | None:
    """The whole module that a checkpoint holds, or None."""
    held = [loaded]
    if isinstance(loaded, Mapping):
        held = [loaded.get(key) for key in _MODULES]
    return next((value for value in held if isinstance(value, Stub)), None)


# ----------------------------------------------------------------------------- whole modules


def _walk(module: Any) -> Iterator[tuple[str, Any]]:
    """The layers of nested containers, in their order."""
    waiting, count = [("", module)], 0
    while waiting:
        name, part = waiting.pop()
        count += 1
        if count > _MOST_MODULES:  # as of a container that holds itself
            raise ModelError(f"has more than {_MOST_MODULES} modules")
        if class_path(part) not in _CONTAINERS:
            yield name or "0", part
            continue
        children = submodules(part).items()
        waiting += [(f"{name}.{n}" if name else n, child) for n, child in reversed(children)]


def _part(name: str, module: Any) -> Gates | Counted | None:
    """A layer; None for a module that does nothing to flat samples."""
    path = class_path(module)
    place = f"module {name!r} ({path.rpartition('.')[2]})"
    held = getattr(module, "__dict__", {})
    try:
        if path == _LAYER:
            indices = held.get("indices")
            if not isinstance(indices, (tuple, list)) or len(indices) != 2:
                raise ModelError("has no pair of indices")
            wires = [_array(index, "indices", "iu") for index in indices]
            if wires[0].ndim != 1 or wires[0].shape != wires[1].shape:
                shapes = " and ".join(str(list(wire.shape)) for wire in wires)
                raise ModelError(f"its indices have shapes {shapes}, must be two of [N]")
            weights = getattr(module, "weights", None)
            return _gates(name, np.stack(wires, 1), weights, held.get("in_dim"))
        if path == _SUM:
            return _counted(name, held.get("k"), held.get("tau"))
        if path == _FLATTEN:
            if (held.get("start_dim"), held.get("end_dim")) != (1, -1):
                raise ModelError("flattens other axes than all of a sample")
            return None
        if path in _NOTHING:
            return None
    except ModelError as error:
        raise ModelError(f"{place}: {error}") from None
    raise ModelError(
        f"{place}: its forward is code of {path}, which is not in the file; of a pickled module, "
        "Sequential, Flatten, LogicLayer and GroupSum are read. lgnx.export takes the live module"
    )


def _gates(name: str, indices: np.ndarray, weights: Any, in_dim: Any) -> Gates:
    values = _array(weights, "weights", "f")
    if values.shape != (len(indices), 16) or not len(indices):
        raise ModelError(
            f"its weights have shape {list(values.shape)}, must be [N, 16] for indices of "
            f"{len(indices)} gates"
        )
    if not np.isfinite(values).all():
        raise ModelError("its weights are not all finite, so they choose no gates")
    if type(in_dim) is not int or in_dim < 1:
        raise ModelError(f"its in_dim is {in_dim!r}, must be a whole number of at least 1")
    if indices.min() < 0 or indices.max() >= in_dim:
        wrong = int(indices.min() if indices.min() < 0 else indices.max())
        raise ModelError(f"its indices hold {wrong}, must be 0 to {in_dim - 1}")
    return Gates(name, indices, swap_gates(values.argmax(-1))[:, None], in_dim)


def _counted(name: str, k: Any, tau: Any) -> Counted:
    if type(k) is not int or k < 1:
        raise ModelError(f"its k is {k!r}, must be a whole number of at least 1")
    if type(tau) not in (int, float) or not (math.isfinite(tau) and tau > 0):
        raise ModelError(f"its tau is {tau!r}, must be finite and greater than 0")
    return Counted(name, k, float(tau))


def _array(value: Any, what: str, kinds: str) -> np.ndarray:
    """A tensor as an array."""
    import torch

    if not isinstance(value, torch.Tensor):
        raise ModelError(f"has no {what}")
    array = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
    try:
        found = array.numpy()
    except (TypeError, RuntimeError) as error:  # sparse, quantised, ...
        raise ModelError(f"its {what} are no plain tensor: {error}") from None
    if found.dtype.kind not in kinds:
        raise ModelError(f"its {what} are of type {found.dtype}")
    return found


def _joined(
    parts: list[Gates | Counted],
    facts: Mapping[str, Any],
    shape: tuple[int, ...] | None,
    encoder: Encoder | None,
    of: str,
) -> onnx.ModelProto:
    """Make the model of layers, once they are seen to fit each other."""
    layers = [part for part in parts if isinstance(part, Gates)]
    if not layers:
        raise ModelError("has no LogicLayer")
    count = 1 if encoder is None else encoder.thresholds.shape[-1]
    if shape is None:
        shape = (layers[0].in_dim // count,)
    width = math.prod(shape) * count
    counted = None
    for part in parts:
        place = f"{of} {part.name!r}"
        if counted is not None:
            raise ModelError(f"{place}: stands behind the sum, which must be the last")
        if isinstance(part, Counted):
            counted = part
            if width % part.groups:
                raise ModelError(f"{place}: k is {part.groups}, must divide the {width} bits")
            continue
        if part.in_dim != width:
            raise ModelError(f"{place}: reads {part.in_dim} bits, must read {width}")
        width = len(part.indices)
    if isinstance(parts[0], Counted):
        raise ModelError("counts its input, must have a LogicLayer first")
    return network_model(layers, counted, shape, encoder, metadata=facts)


# ---------------------------------------------------------------------- state dicts and specs


def _incomplete(state: Mapping[str, Any]) -> ModelError:
    """Say that a state dict alone is no network, with a spec to complete."""
    layers = [name for name, value in state.items() if _is_weights(name, value)]
    if not layers:
        return ModelError("has no layers of difflogic, which hold tensors [N, 16] called weights")
    dense = []
    for name in layers:
        prefix = name.removesuffix("weights").rstrip(".")
        file = f"indices-{prefix or 0}.npy"
        text = f'state: "{prefix}", inputs: TODO, indices: {file}'
        dense.append(("logic_dense", text, "torch.stack(layer.indices, 1).cpu().numpy()"))
    return missing_spec(
        "is a state dict of difflogic, which lacks the connections: they are drawn at random when "
        "a layer is made, and only a whole module, torch.save(model, ...), has them. If you still "
        "have the module, save it so, or save the indices of each layer with numpy.save",
        "difflogic 0.1.0",
        [*dense, ("group_sum", "groups: TODO, tau: TODO", "k and tau of its GroupSum")],
    )


def _is_weights(name: str, value: Any) -> bool:
    return name.split(".")[-1] == "weights" and value.ndim == 2 and value.shape[1] == 16


def _described(path: Path, spec: Spec, state: Mapping[str, Any]) -> onnx.ModelProto:
    """Make the model of a state dict and its spec."""
    parts: list[Gates | Counted] = []
    encoder = None
    for layer in spec.layers:
        for name in layer.fields:
            if name not in _FIELDS[layer.kind]:
                raise layer.error("difflogic has nothing of this kind", name)
        try:
            if layer.kind == "thermometer":
                if parts or encoder is not None:
                    raise layer.error("must be the first layer")
                encoder = _described_encoder(layer, spec)
            elif layer.kind == "logic_dense":
                parts.append(_described_gates(layer, parts, spec, encoder, state))
            elif layer.kind == "group_sum":
                parts.append(_counted(layer.state, layer.get("groups"), layer.get("tau", 1.0)))
        except ModelError as error:
            raise error if str(error).startswith(layer.place) else layer.error(str(error)) from None
    shape = spec.shape
    if shape is None and encoder is not None and encoder.thresholds.ndim == 2:
        shape = encoder.thresholds.shape[:1]
    try:
        return _joined(parts, {**_SOURCE, **spec.metadata()}, shape, encoder, "layer")
    except ModelError as error:
        raise ModelError(f"{path} with {spec.path}: {error}") from None


def _described_encoder(layer: Layer, spec: Spec) -> Encoder:
    given, dtype = layer.get("thresholds"), np.dtype(spec.dtype)
    if isinstance(given, str):
        raise layer.error("difflogic has no thermometer, so none is in its state", "thresholds")
    if dtype == np.bool_:
        raise layer.error("reads numbers, but the dtype of the input is bool")
    thresholds = given.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(thresholds, given):
        raise layer.error(f"holds numbers that are not {dtype}", "thresholds")
    if spec.shape is not None:
        full = (*spec.shape, thresholds.shape[-1])
        try:
            fits = np.broadcast_shapes(thresholds.shape, full) == full
        except ValueError:
            fits = False
        if not fits:
            raise layer.error(
                f"has shape {list(thresholds.shape)}, must fit {list(full)}", "thresholds"
            )
    return Encoder(layer.state, thresholds, layer.get("strict", True))


def _described_gates(
    layer: Layer,
    before: list[Gates | Counted],
    spec: Spec,
    encoder: Encoder | None,
    state: Mapping[str, Any],
) -> Gates:
    indices = layer.get("indices")
    if indices is None:
        raise layer.error(
            "the connections are missing; give [N, 2], or the name of an .npy file of them",
            "indices",
        )
    if indices.ndim != 2 or indices.shape[1] != 2:
        raise layer.error(f"has shape {list(indices.shape)}, must be [N, 2]", "indices")
    if layer.get("k", 2) != 2:
        raise layer.error(f"is {layer.get('k')}, must be 2 in difflogic", "k")
    name = f"{layer.state}.weights" if layer.state else "weights"
    if name not in state:
        names = ", ".join(sorted(key for key in state if key.endswith("weights"))) or "none"
        raise layer.error(f"the checkpoint has no tensor {name!r}; there are: {names}", "state")
    n_inputs = layer.get("inputs")
    if n_inputs is None and before and isinstance(before[-1], Gates):
        n_inputs = len(before[-1].indices)
    if n_inputs is None and spec.shape is not None:
        n_inputs = math.prod(spec.shape)
        n_inputs *= 1 if encoder is None else encoder.thresholds.shape[-1]
    if n_inputs is None:
        raise layer.error("is missing; give it, or the shape of the input", "inputs")
    return _gates(layer.state, indices, state[name], n_inputs)
