"""Layers of whole pickled modules of torchlogix, from their attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.converters.checkpoint import Stub, class_path, state_dict, submodules
from lgnx.converters.network_spec import KINDS
from lgnx.converters.network_spec_values import WrongError, shown, whole, wholes
from lgnx.converters.torchlogix_checkpoint_part import Part
from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["UnknownForwardError", "layer_of", "layers_of", "made_by", "walk"]

_LAYERS = "torchlogix.layers."
_CONNECTIONS = "torchlogix.connections."
_PARAMETRIZATIONS = {
    f"torchlogix.parametrization.{name.capitalize()}LUTParametrization": name
    for name in ("raw", "warp", "light")
}
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_EVALUATION_KEEPS = ("Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")
_MOST_NESTED = 50


def layers_of(module: Stub, place: str) -> list[Part]:
    """Layers of a module in the order in which it computes them.

    Raises
    ------
    UnknownForwardError
        If there is a class in it whose forward is not known, as that of every class of the user.
    ModelError
        If a layer is not what torchlogix makes.
    """
    return _expand(module, place, "", 0)


class UnknownForwardError(ModelError):
    """A class whose code says in what order its parts compute."""


def _expand(module: Stub, place: str, name: str, depth: int) -> list[Part]:
    kind, here = class_path(module), f"{place}: module {name!r}"
    here = f"{here} ({kind.rpartition('.')[2]})"
    if depth > _MOST_NESTED:
        raise ModelError(f"{here}: is part of itself")
    for hooks in _HOOKS:
        if vars(module).get(hooks):
            raise ModelError(f"{here}: has hooks, whose code is not in the file")
    if "forward" in vars(module):
        raise ModelError(f"{here}: its forward was replaced")
    children = submodules(module)
    inner = {part: f"{name}.{part}" if name else part for part in children}
    if kind.startswith("torchlogix.models.") and set(children) == {"model"}:
        return _expand(children["model"], place, inner["model"], depth + 1)
    if kind == "torch.nn.modules.container.Sequential" or kind.startswith("torchlogix.models."):
        parts = [_expand(children[c], place, inner[c], depth + 1) for c in children]
        return [part for found in parts for part in found]
    if kind == "torchlogix.modules.resblock.ResidualLogicBlock":
        return [_residual(module, place, name, here, depth)]
    part = layer_of(module, here)
    if part is None:
        raise UnknownForwardError(
            f"{here}: is a {kind}, whose forward is code that is not in the file"
        )
    return [part]


def _residual(module: Stub, place: str, name: str, here: str, depth: int) -> Part:
    parts = {
        part: _expand(child, place, f"{name}.{part}" if name else part, depth + 1)
        for part, child in submodules(module).items()
    }
    if set(parts) != {"main", "shortcut"}:
        raise ModelError(f"{here}: has the parts {', '.join(parts)}, must have main and shortcut")
    if any(part.kind != "module" for part in parts["shortcut"]):
        raise ModelError(f"{here}: its shortcut has layers, must be an identity")
    return Part("residual", here, parts=parts["main"])


def walk(module: Stub, name: str = "", depth: int = 0) -> list[tuple[str, Part]]:
    """Every layer anywhere in a module, by name, in the order in which they were registered."""
    if depth > _MOST_NESTED:
        return []
    found: list[tuple[str, Part]] = []
    for child, value in submodules(module).items():
        inner = f"{name}.{child}" if name else child
        part = layer_of(value, f"module {inner!r}")
        found += [(inner, part)] if part is not None else walk(value, inner, depth + 1)
    return found


def made_by(module: Stub) -> tuple[int, ...] | None:
    """Version of torchlogix that made a module, where its attributes tell.

    In 0.1.1, a parametrization is no module; only since 0.2.2 there are transposed convolutions.
    """
    waiting, seen = [module], 0
    while waiting and seen < 10_000:
        part, seen = waiting.pop(), seen + 1
        if isinstance(vars(part).get("parametrization"), Stub):
            return (0, 1, 1)
        if "Transpose" in class_path(part) and class_path(part).startswith(_LAYERS):
            return (0, 2, 2)
        waiting += submodules(part).values()
    return None


def layer_of(module: Stub, place: str) -> Part | None:
    """Read one layer; None if its class is none of torchlogix, nor of torch's that need no reading.

    Raises
    ------
    ModelError
        If an attribute is missing or wrong; the module and the attribute are named.
    """
    kind = class_path(module)
    reader = _READERS.get(kind.removeprefix(_LAYERS)) if kind.startswith(_LAYERS) else None
    if reader is not None:
        return reader(module, place)
    if kind.startswith("torch.nn.modules."):
        return _of_torch(module, kind.rpartition(".")[2], place)
    return None


# --------------------------------------------------------------------------- attributes


def _value(module: Stub, name: str, place: str) -> Any:
    """Value of an attribute as JSON would have it."""
    import torch

    try:
        value = getattr(module, name)
    except AttributeError:
        raise ModelError(f"{place}: has no attribute {name!r} in the checkpoint") from None
    if isinstance(value, np.generic) or (isinstance(value, torch.Tensor) and value.numel() == 1):
        value = value.item()
    return list(value) if isinstance(value, tuple) else value


def _field(module: Stub, name: str, check: Callable[[Any, Path], Any], place: str) -> Any:
    value = _value(module, name, place)
    try:
        return check(value, Path())
    except WrongError as error:
        raise ModelError(f"{place}: its {name} is {shown(value)}, must be {error}") from None


def _fields(
    module: Stub, kind: str, names: Sequence[tuple[str, str]], place: str
) -> dict[str, Any]:
    """Fields of a spec from attributes; pairs of both names."""
    return {
        field: _field(module, attribute, KINDS[kind][field].check, place)
        for field, attribute in names
    }


def _part(module: Stub, name: str, path: str, place: str) -> Stub:
    part = getattr(module, name, None)
    if not isinstance(part, Stub) or not class_path(part).startswith(path):
        found = class_path(part) if isinstance(part, Stub) else shown(part)
        raise ModelError(f"{place}: its {name} is {found}, must be of {path.rstrip('.')}")
    return part


def _tables(module: Stub, kind: str, place: str) -> dict[str, Any]:
    """Fields that all layers of tables have."""
    part = _part(module, "parametrization", "torchlogix.parametrization.", place)
    path = class_path(part)
    if path not in _PARAMETRIZATIONS:
        raise ModelError(f"{place}: its parametrization is {path}, which is not known")
    fields = _fields(module, kind, [("k", "lut_rank")], place)
    fields |= _fields(part, kind, [("materialize_basis", "materialize_basis")], place)
    return fields | {"parametrization": _PARAMETRIZATIONS[path]}


# --------------------------------------------------------------------------- layers


def _dense(module: Stub, place: str) -> Part:
    connections = _part(module, "connections", _CONNECTIONS, place)
    path = class_path(connections).removeprefix(_CONNECTIONS)
    if path not in ("FixedDenseConnections", "LearnableDenseConnections"):
        raise ModelError(f"{place}: its connections are {path}, which is not known")
    tensors = state_dict(module)
    _add(tensors, "connections.indices", vars(connections).get("indices"))  # of 0.1.1
    fields = _tables(module, "logic_dense", place)
    fields |= _fields(module, "logic_dense", [("inputs", "in_dim")], place)
    fields["gumbel"] = bool(vars(connections).get("gumbel") is True)
    return Part("logic_dense", place, tensors, fields)


def _conv(module: Stub, place: str) -> Part:
    connections = _part(module, "connections", _CONNECTIONS, place)
    path = class_path(connections).removeprefix(_CONNECTIONS)
    transposed = "Transpose" in class_path(module)
    expected = "FixedConvTransposeConnections" if transposed else "FixedConvConnections"
    if path != expected:
        raise ModelError(f"{place}: its connections are {path}, must be {expected}")
    tensors = state_dict(module)
    levels = vars(connections).get("indices")  # of 0.1.1
    for number, level in enumerate(levels if isinstance(levels, list) else ()):
        _add(tensors, f"connections._indices_L{number}", level)
    kind = "logic_conv_transpose" if transposed else "logic_conv"
    fields = _tables(module, kind, place)
    names = [("kernel_shape", "receptive_field_size"), ("stride", "stride")]
    names += [("padding", "padding")]
    names += [("output_padding", "output_padding")] if transposed else []
    fields |= _fields(module, kind, names, place)
    fields["in_dim"] = _field(module, "in_dim", wholes(1, single=False), place)
    fields["channels"] = _field(module, "channels", whole(1), place)
    return Part(kind, place, tensors, fields)


def _add(tensors: dict[str, torch.Tensor], name: str, value: Any) -> None:
    import torch

    if isinstance(value, torch.Tensor):
        tensors.setdefault(name, value)


def _thermometer(module: Stub, place: str) -> Part:
    fields: dict[str, Any] = {"thresholds": "state"}
    fields |= _fields(module, "thermometer", [("feature_dim", "feature_dim")], place)
    if "raw_diffs" in (tensors := state_dict(module)):
        names = [("temperature_softplus", "temperature_softplus")]
        fields |= _fields(module, "thermometer", names, place)
    return Part("thermometer", place, tensors, fields)


def _or_pool(module: Stub, place: str) -> Part:
    names = [("kernel_shape", "kernel_size"), ("padding", "padding")]
    names += [("stride", "stride")] if _value(module, "stride", place) is not None else []
    return Part("or_pool", place, fields=_fields(module, "or_pool", names, place))


def _group_sum(module: Stub, place: str) -> Part:
    names = [("groups", "k"), ("tau", "tau"), ("beta", "beta")]
    return Part("group_sum", place, fields=_fields(module, "group_sum", names, place))


def _nothing(module: Stub, place: str) -> Part:
    import torch

    return Part("module", place, module=torch.nn.Identity())


def _of_torch(module: Stub, kind: str, place: str) -> Part | None:
    """Read a module of torch that stands between layers of logic."""
    import torch

    if kind in _EVALUATION_KEEPS:
        return _nothing(module, place)
    if kind == "Flatten":
        axes = {
            name: _field(module, name, whole(-8, 8), place) for name in ("start_dim", "end_dim")
        }
        return Part("flatten", place, fields=axes)
    if kind in ("MaxPool2d", "MaxPool3d"):
        names = ["kernel_size", "padding", "dilation"]
        names += ["stride"] if _value(module, "stride", place) is not None else []
        low = {"padding": 0}
        sizes = {name: _field(module, name, wholes(low.get(name, 1)), place) for name in names}
        ceil = _value(module, "ceil_mode", place) is True
        return Part("module", place, module=getattr(torch.nn, kind)(**sizes, ceil_mode=ceil))
    if kind == "Linear":
        return _linear(Part("module", place, state_dict(module)))
    return None


def _linear(part: Part) -> Part:
    import torch

    weight = part.tensor("weight", 2)
    layer = torch.nn.Linear(1, 1, bias="bias" in part.tensors)
    layer.out_features, layer.in_features = weight.shape
    layer.weight.data = weight
    if "bias" in part.tensors:
        layer.bias.data = part.tensor("bias", 1)
    return Part("module", part.place, module=layer)


_READERS: dict[str, Callable[[Stub, str], Part]] = {
    "binarization.DummyBinarization": _nothing,
    "binarization.FixedBinarization": _thermometer,
    "binarization.SoftBinarization": _thermometer,
    "binarization.LearnableBinarization": _thermometer,
    "conv.LogicConv2d": _conv,
    "conv.LogicConv3d": _conv,
    "conv.LogicConvTranspose2d": _conv,
    "conv.LogicConvTranspose3d": _conv,
    "dense.LogicDense": _dense,
    "groupsum.GroupSum": _group_sum,
    "pool.OrPooling2d": _or_pool,
    "pool.OrPooling3d": _or_pool,
}
