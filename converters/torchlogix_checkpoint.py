"""Checkpoints of torchlogix: whole pickled modules, and state dicts with a spec beside them.

Nothing of a checkpoint is run. Its tensors and numbers are put into layers of the installed
torchlogix, which are then exported as a live module is. So what the installed version computes is
what the file computes; where the version that made the checkpoint computes otherwise, its own rule
is taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from lgnx import metadata
from lgnx.converters.checkpoint import (
    checkpoint_head,
    class_path,
    find_module,
    find_state,
    load_checkpoint,
)
from lgnx.converters.formats import Format, Option
from lgnx.converters.network_spec import Spec, read_spec
from lgnx.ops.errors import InputError, LgnxError, ModelError, require

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torchlogix_checkpoint_part import Part

__all__ = ["FORMAT"]

_VERSION = re.compile(r"torchlogix (\d+(?:\.\d+)*)\S*")
_MARKS = (b"torchlogix.", b"tree_weights.", b"connections.", b"raw_diffs")
_LARGEST = 1 << 28  # numbers in a sample


def _sniff(path: Path) -> bool:
    head = checkpoint_head(path)
    return any(mark in head for mark in _MARKS) and b"difflogic." not in head


def _read(
    path: Path, *, spec: Path | None = None, producer: str = "", shape: str = ""
) -> onnx.ModelProto:
    """Read a checkpoint as a layer-level model."""
    require("torch", extra="torch")
    from lgnx.converters.torchlogix import import_torchlogix

    import_torchlogix()
    from lgnx.converters.torchlogix_checkpoint_modules import (
        UnknownForwardError,
        layers_of,
        made_by,
    )
    from lgnx.converters.torchlogix_checkpoint_part import Made
    from lgnx.converters.torchlogix_checkpoint_state import (
        KINDS,
        draft_of_module,
        draft_of_state,
        layers_of_spec,
    )

    loaded = load_checkpoint(path)
    module = find_module(loaded)
    known = None if spec is None else read_spec(spec, "torchlogix", KINDS)
    if known is not None:
        parts = layers_of_spec(known.layers, _state(loaded, path), module)
    elif module is None:
        raise draft_of_state(
            _state(loaded, path),
            f"{path}: is a state dict, which does not say what is computed with its tensors",
        )
    else:
        try:
            parts = layers_of(module, str(path))
        except UnknownForwardError as error:
            raise draft_of_module(module, str(error)) from None
    version = known.version if known else _version(producer)
    if version is None and module is not None:
        version = made_by(module)
    given = _shape(shape) or (known.shape if known else None)
    x = _sample(parts, given, known.dtype if known else "float32", path)
    name = class_path(module).rpartition(".")[2] if module is not None else path.stem
    return _exported(parts, x, Made(version), known, producer, name)


def _state(loaded: Any, path: Path) -> dict[str, torch.Tensor]:
    try:
        return find_state(loaded)
    except LgnxError as error:
        raise ModelError(f"{path}: {error}") from None


def _exported(
    parts: Sequence[Part], x: torch.Tensor, made: Any, spec: Spec | None, producer: str, name: str
) -> onnx.ModelProto:
    from lgnx.converters.torch_export import export
    from lgnx.converters.torchlogix_checkpoint_build import build

    model = export(build(parts, x, made), x)
    model.graph.name = name
    entries: dict[str, Any] = {metadata.TRAINING_TOOL: producer or "torchlogix"}
    entries |= spec.metadata() if spec else {}
    entries[metadata.SOURCE_FORMAT] = FORMAT.name
    if spec is not None:
        _check_names(spec, model, x)
    return metadata.with_metadata(model, entries)


def _check_names(spec: Spec, model: onnx.ModelProto, x: torch.Tensor) -> None:
    """Refuse names that are not as many as what they name."""
    outputs = model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    if spec.classes and len(spec.classes) != outputs:
        raise ModelError(
            f"{spec.path}, field classes: has {len(spec.classes)} names, the network gives "
            f"{outputs} scores"
        )
    numbers = math.prod(x.shape[1:])
    for name, count in [("features", len(spec.features))] + [
        (f"input, {key}", len(values)) for key, values in spec.scaling.items()
    ]:
        if count and count != numbers and not (name != "features" and count == 1):
            raise ModelError(
                f"{spec.path}, field {name}: has {count} entries, a sample has {numbers} numbers"
            )


def _version(producer: str) -> tuple[int, ...] | None:
    if not producer:
        return None
    found = _VERSION.fullmatch(producer)
    if found is None:
        raise InputError(f"option producer: {producer!r}, must be such as 'torchlogix 0.2.2'")
    return tuple(int(part) for part in found[1].split("."))


def _shape(text: str) -> tuple[int, ...] | None:
    if not text:
        return None
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() and 0 < int(part) < 1 << 31 for part in parts):
        raise InputError(f"option shape: {text!r}, must be whole numbers such as 1,28,28")
    return tuple(int(part) for part in parts)


# --------------------------------------------------------------------------- the sample


def _sample(
    parts: Sequence[Part], given: tuple[int, ...] | None, dtype: str, path: Path
) -> torch.Tensor:
    """Make two samples of random numbers, or of bits where no thermometer comes first."""
    import torch

    shape = given or _needed(parts, path)
    if math.prod(shape) > _LARGEST:
        raise ModelError(f"{path}: a sample of shape {list(shape)} is too large")
    kind = getattr(torch, dtype)
    generator = torch.Generator().manual_seed(0)
    first = next((part.kind for part in parts if part.kind not in ("module", "flatten")), "")
    if first == "thermometer" and kind.is_floating_point:
        return torch.rand((2, *shape), generator=generator, dtype=torch.float64).to(kind)
    bits = torch.randint(0, 2, (2, *shape), generator=generator)
    if first == "thermometer":
        return bits.to(kind)
    return bits.to(torch.float32)  # what torchlogix takes for bits; in the file they are bool


def _needed(parts: Sequence[Part], path: Path) -> tuple[int, ...]:
    """Shape of a sample, from what the first layer of tables reads."""
    before: list[Part] = []
    for part in parts:
        shape = _read_shape(part)
        if shape is not None:
            flat = False
            for earlier in reversed(before):
                flat = flat or earlier.kind == "flatten"
                shape = None if shape is None else _ahead(earlier, shape, flat)
        if shape is not None:
            return shape
        if part.kind not in ("thermometer", "flatten", "module"):
            break
        before.append(part)
    raise ModelError(
        f"{path}: does not say the shape of a sample: give it as the option shape, such as "
        "1,28,28, or as input: {shape: [...]} of the spec"
    )


def _read_shape(part: Part) -> tuple[int, ...] | None:
    """Shape that a layer reads, where the checkpoint says it."""
    if part.kind == "logic_dense":
        inputs = part.get("inputs")
        weights = part.tensors.get("connections.weights")
        if inputs is None and weights is not None and "connections.indices" not in part.tensors:
            inputs = len(weights)
        return None if inputs is None else (inputs,)
    channels, extents = part.get("channels"), part.get("in_dim")
    return None if channels is None or extents is None else (channels, *extents)


def _ahead(part: Part, shape: tuple[int, ...], flat: bool) -> tuple[int, ...] | None:
    """Shape before a layer, from that after it; None where it may be several.

    A vector may come in place of an image that is flattened: its bits have the same order, unless
    the thermometer folds them into another axis than the last.
    """
    if part.kind == "module":
        return shape
    if part.kind == "flatten":
        return shape if len(shape) == 1 else None
    found = part.tensors.get("raw_diffs", part.tensors.get("thresholds"))
    values = part.get("thresholds") if found is None else found
    folded = part.get("feature_dim", -2)
    if part.kind != "thermometer" or isinstance(values, str) or values.ndim == 0:
        return None
    axis = folded % (len(shape) + 2) - 1  # there are the batch and the bits, too
    if not 0 <= axis < len(shape) or shape[axis] % values.shape[-1] or (flat and folded != -2):
        return None
    before, own = list(shape), tuple(values.shape[:-1])
    before[axis] //= values.shape[-1]
    if flat and math.prod(own) == before[0]:
        return own
    return tuple(before) if len(own) < 2 else None


FORMAT = Format(
    name="torchlogix",
    title="Checkpoints of torchlogix: whole modules, and state dicts with a spec",
    suffixes=(".pt", ".pth", ".ckpt"),
    read=_read,
    read_options=(
        Option("spec", Path, None, "YAML file that says what is computed with a state dict"),
        Option("producer", str, "", "what made a checkpoint without spec: 'torchlogix 0.2.2'"),
        Option("shape", str, "", "shape of a sample where the checkpoint does not say it: 1,28,28"),
    ),
    reads="thermometers, layers of tables and scores, one node each; no code of the file is run",
    extra="torch",
    python="lgnx.export(module, sample) for live modules",
    sniff=_sniff,
)
