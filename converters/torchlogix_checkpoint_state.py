"""Layers of torchlogix as a spec names them, with their tensors from a state dict."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lgnx.converters.checkpoint import Stub, submodules
from lgnx.converters.network_spec import Layer, missing_spec
from lgnx.converters.torchlogix_checkpoint_modules import layer_of, walk
from lgnx.converters.torchlogix_checkpoint_part import Part
from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["KINDS", "draft_of_module", "draft_of_state", "layers_of_spec"]

KINDS = (
    "thermometer",
    "logic_dense",
    "logic_conv",
    "logic_conv_transpose",
    "or_pool",
    "flatten",
    "residual",
    "group_sum",
)
"""Kinds of layers that torchlogix has."""

# What a draft leaves out: what a module says anyway, and what holds if it is left out.
_KNOWN = ("gumbel", "in_dim", "channels", "start_dim", "end_dim", "inputs")
_DEFAULTS = {"materialize_basis": False, "feature_dim": -2, "padding": 0, "beta": 0}
_WITH_TENSORS = ("logic_dense", "logic_conv", "logic_conv_transpose")
# Names within a layer that tell its kind.
_MARKS = (
    ("tree_weights.", "logic_conv"),
    ("connections.", "logic_dense"),
    ("raw_diffs", "thermometer"),
    ("thresholds", "thermometer"),
    ("weight", "logic_dense"),
)


def layers_of_spec(
    layers: tuple[Layer, ...], state: Mapping[str, torch.Tensor], module: Stub | None
) -> list[Part]:
    """Put the layers of a spec together with their tensors.

    Parameters
    ----------
    state
        Tensors by name.
    module
        The whole module, where the checkpoint is one: its layers know more than their tensors say.

    Raises
    ------
    ModelError
        If there are no tensors of a layer, or the module says something else than the spec.
    """
    return [_part(layer, state, module) for layer in layers]


def _part(layer: Layer, state: Mapping[str, torch.Tensor], module: Stub | None) -> Part:
    if layer.layers:
        return Part("residual", layer.place, parts=layers_of_spec(layer.layers, state, module))
    found = None if module is None else _within(module, layer.state)
    known = layer_of(found, layer.place) if found is not None else None
    fields = dict(layer.fields)
    prefix = f"{layer.state}." if layer.state else ""
    tensors = {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
    if known is not None and known.kind == layer.kind:
        for name, value in known.fields.items():
            if name in fields and name != "thresholds" and not _same(fields[name], value):
                raise layer.error(f"is {fields[name]}, the checkpoint has {value}", name)
        fields, tensors = {**known.fields, **fields}, dict(known.tensors)
    needed = layer.kind in _WITH_TENSORS or isinstance(layer.get("thresholds"), str)
    if needed and not tensors:
        there = ", ".join(_prefixes(state)) or "none"
        raise layer.error(
            f"the checkpoint has no tensors whose names begin with {prefix!r}; there are: {there}",
            "state",
        )
    return Part(layer.kind, layer.place, tensors, fields)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values mean the same; one number stands for all axes."""
    if isinstance(one, tuple) != isinstance(other, tuple):
        several, single = (one, other) if isinstance(one, tuple) else (other, one)
        return set(several) == {single}
    return bool(one == other)


def _within(module: Stub, name: str) -> Stub | None:
    for part in name.split(".") if name else ():
        child = submodules(module).get(part)
        if child is None:
            return None
        module = child
    return module


# --------------------------------------------------------------------------- drafts


def _prefixes(state: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """What the names of each layer's tensors begin with, and the kind that they tell."""
    found: dict[str, str] = {}
    for name in state:
        for mark, kind in _MARKS:
            start, there, rest = f".{name}".rpartition(f".{mark}")
            if there and (mark.endswith(".") or not rest):
                found.setdefault(start[1:], kind)
                break
    return found


def draft_of_state(state: Mapping[str, torch.Tensor], reason: str) -> ModelError:
    """Say that a state dict needs a spec, and draft one of its names and shapes."""
    layers = []
    before = ""
    for prefix, kind in _prefixes(state).items():
        tensors = {
            name.removeprefix(f"{prefix}.") if prefix else name: value
            for name, value in state.items()
            if name.startswith(f"{prefix}." if prefix else "")
        }
        if kind == "logic_dense" and before == "logic_conv":
            layers.append(("flatten", "", ""))
        fields, before = [f'state: "{prefix or "."}"', *_drafted(kind, tensors)], kind
        shapes = [f"{name} {list(value.shape)}" for name, value in list(tensors.items())[:3]]
        layers.append((kind, ", ".join(fields), ", ".join(shapes)))
        if kind == "logic_conv":
            layers.append(("or_pool", "kernel_shape: TODO", "if there is one, else without"))
    layers.append(("group_sum", "groups: TODO, tau: TODO", ""))
    return missing_spec(reason, "torchlogix TODO", layers)


def _drafted(kind: str, tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """Fields that tensors tell, and those that the user must fill in."""
    if kind == "thermometer":
        return ["thresholds: state"]
    fields = []
    weight = next(v for n, v in tensors.items() if n in ("weight", "tree_weights.0"))
    indices = tensors.get("connections.indices", tensors.get("connections._indices_L0"))
    if indices is None or weight.ndim == 0:
        return ["k: TODO, parametrization: TODO, indices: TODO.npy"]
    k = len(indices) if indices.ndim != 3 else indices.shape[1]
    fields.append(f"k: {k}")
    raw = k == 2 and weight.shape[-1] == 16
    fields.append(f"parametrization: {'raw' if raw else 'TODO'}")
    if kind == "logic_conv":
        fields.append("kernel_shape: TODO, stride: 1, padding: 0")
    return fields


def draft_of_module(module: Stub, reason: str) -> ModelError:
    """Say that a class of the user needs a spec, and draft one of its layers."""
    layers = []
    for name, part in walk(module):
        if part.kind == "module":
            continue
        fields = [f'state: "{name}"'] if part.tensors else []
        fields += [
            f"{field}: {_written(value)}"
            for field, value in part.fields.items()
            if field not in _KNOWN and value != _DEFAULTS.get(field)
        ]
        layers.append((part.kind, ", ".join(fields), "" if part.tensors else name))
    version = importlib.metadata.version("torchlogix")
    return missing_spec(reason, f"torchlogix {version}", layers)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)
