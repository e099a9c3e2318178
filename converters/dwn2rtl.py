"""Checkpoints of dwn2rtl, which turns networks of torch_dwn into Verilog.

Such a file has what a state dict lacks: thermometer, number of classes, and the scaling of inputs
that the network was trained with. The scaling goes into the thresholds, exactly.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.checkpoint import checkpoint_head, class_path, load_checkpoint
from lgnx.converters.formats import Format, Option
from lgnx.converters.torch_dwn_layers import (
    Groups,
    Tables,
    as_array,
    groups_of,
    layers_of,
    tables_of,
)
from lgnx.converters.torch_dwn_model import NUMBERS, network_model, thresholds_for, thresholds_of
from lgnx.metadata import (
    ACCURACY,
    FOLDED_SCALING,
    INPUT_SCALING,
    SOURCE_FORMAT,
    TRAINING_TOOL,
)
from lgnx.ops.errors import InputError, LgnxError, ModelError

__all__ = ["FORMAT", "from_checkpoint"]

_SCALINGS = ("rounded", "float32", "float64", "outside")
_WIDEST = 64  # bits of a word of dwn2rtl
_TENSOR = re.compile(r"(\d+)\.(luts|mapping|mapping\.weights)")


def _read(path: Path, **options: Any) -> onnx.ModelProto:
    loaded = load_checkpoint(path)
    try:
        return from_checkpoint(loaded, **options)
    except InputError:
        raise
    except LgnxError as error:
        raise ModelError(f"{path}: {error}") from None


def from_checkpoint(
    checkpoint: Mapping[str, Any],
    *,
    scaling: str = "rounded",
    input_bits: int | None = None,
    dtype: str = "float32",
) -> onnx.ModelProto:
    """Turn a checkpoint into a model.

    Parameters
    ----------
    checkpoint
        What ``dwn2rtl.load`` gives or `load_checkpoint` reads: a dict with ``config``,
        ``state_dict`` and ``thermometer``, or with ``model`` and ``thermometer``; perhaps with
        ``scaler``, ``results`` and ``run_name``.
    scaling
        How ``(x - mean) / scale`` is computed, where there is a scaler: in ``"float64"``;
        ``"rounded"`` to float32 after that; in ``"float32"`` throughout; ``"outside"``, not by the
        model, whose input is scaled already.
    input_bits
        As of ``dwn2rtl build --input-bits``: decide as its hardware does, on numbers and thresholds
        rounded down to so many fractional bits and saturated at its word. None compares as torch
        does.
    dtype
        Of the model's input.

    Returns
    -------
    onnx.ModelProto
        Reads ``x`` [batch, features], gives ``scores`` float32 [batch, classes].

    Raises
    ------
    ModelError
        If something is missing or does not fit; the message names the field.
    InputError
        If an option cannot be.
    """
    if dtype not in NUMBERS:
        raise InputError(f"dtype is {dtype!r}, must be one of {', '.join(NUMBERS)}")
    if not isinstance(checkpoint, Mapping) or not {"config", "model"} & set(checkpoint):
        raise ModelError(
            "is no checkpoint of dwn2rtl, which is a dict with 'config', 'state_dict' and "
            "'thermometer', or with 'model' and 'thermometer'"
        )
    thermometer = checkpoint.get("thermometer", checkpoint.get("thermometre"))
    if thermometer is None:
        raise ModelError("has no 'thermometer': the thresholds are no part of the model; save both")
    given = thresholds_of(thermometer)
    if given.ndim != 2:
        raise ModelError(
            f"thermometer: thresholds have shape {list(given.shape)}, must be [features, bits]"
        )
    given = given.astype(np.float32)  # as dwn2rtl does
    if not np.isfinite(given).all():
        raise ModelError("thermometer: thresholds must be finite")
    layers = _saved_layers(checkpoint, given) if "config" in checkpoint else _live(checkpoint)
    factors = _factors(checkpoint.get("scaler"), len(given), scaling)
    before = _scaled(factors, scaling)
    limits: np.ndarray = given
    if input_bits is not None:
        before, limits = _fixed(before, given, input_bits)
    thresholds, strict = thresholds_for(limits, np.dtype(dtype), before)
    metadata: dict[str, Any] = {SOURCE_FORMAT: "dwn2rtl", TRAINING_TOOL: "torch_dwn"}
    if factors is not None:
        text = json.dumps({"mean": factors[0].tolist(), "scale": factors[1].tolist()})
        metadata[INPUT_SCALING if scaling == "outside" else FOLDED_SCALING] = text
    results = checkpoint.get("results")
    if isinstance(results, Mapping) and isinstance(results.get("final_acc"), (int, float)):
        metadata[ACCURACY] = str(results["final_acc"])
    name = checkpoint.get("run_name")
    name = name if isinstance(name, str) and name else "dwn"
    return network_model(layers, thresholds, strict=strict, name=name, metadata=metadata)


def _live(checkpoint: Mapping[str, Any]) -> list[Any]:
    """Layers of a checkpoint that holds the module."""
    model = checkpoint["model"]
    if isinstance(model, Mapping):
        raise ModelError(
            "'model' is a state dict, which does not tell the number of classes; save the module, "
            "or use dwn2rtl.save"
        )
    layers = layers_of(model, by_name=True)
    if not any(isinstance(layer, Groups) for layer in layers):
        raise ModelError("'model' has no GroupSum, which tells the number of classes")
    return layers


def _saved_layers(checkpoint: Mapping[str, Any], thresholds: np.ndarray) -> list[Any]:
    """Layers of a checkpoint that dwn2rtl wrote, checked against its config."""
    config, state = checkpoint["config"], checkpoint.get("state_dict")
    if not isinstance(config, Mapping) or not isinstance(state, Mapping):
        raise ModelError("'config' and 'state_dict' must both be dicts")
    numbers: dict[str, int] = {}
    for key in ("n", "num_classes", "thermometer_bits"):
        value = config.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ModelError(f"config: {key} is {value!r}, must be a whole number, at least 1")
        numbers[key] = value
    if thresholds.shape[1] != numbers["thermometer_bits"]:
        raise ModelError(
            f"config: thermometer_bits is {numbers['thermometer_bits']}, but the thresholds are "
            f"{list(thresholds.shape)}, which is [features, bits]"
        )
    parts: dict[int, dict[str, Any]] = {}
    for key, tensor in state.items():
        found = _TENSOR.fullmatch(str(key))
        if found:
            parts.setdefault(int(found[1]), {})[found[2]] = tensor
    if sorted(parts) != list(range(len(parts))) or not parts:
        raise ModelError(
            f"state_dict: has layers {sorted(parts) or 'of no number'}, must have 0, 1, 2, ... "
            "without a gap"
        )
    layers: list[Any] = []
    width = thresholds.size
    for number in range(len(parts)):
        layer: Tables = tables_of(str(number), parts[number], width)
        if layer.n_inputs != width:
            raise ModelError(
                f"layer {layer.name!r}: reads {layer.n_inputs} bits, but gets {width}"
                + ("" if number else "; the thermometer is not this network's")
            )
        if layer.indices.shape[1] != numbers["n"]:
            raise ModelError(
                f"config: n is {numbers['n']}, but layer {layer.name!r} has tables of "
                f"{layer.indices.shape[1]} inputs"
            )
        layers.append(layer)
        width = len(layer.indices)
    widths = [len(layer.indices) for layer in layers]
    given = config.get("layers")
    if not isinstance(given, (list, tuple)) or list(given) != widths:
        raise ModelError(f"config: layers is {given!r}, but they are {widths}")
    layers.append(groups_of("scores", numbers["num_classes"]))
    return layers


def _factors(scaler: Any, features: int, scaling: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and scale of each feature, float64; None where inputs are not scaled."""
    if scaling not in _SCALINGS:
        raise InputError(f"scaling is {scaling!r}, must be one of {', '.join(_SCALINGS)}")
    if scaler is None:
        return None
    if isinstance(scaler, Mapping) and {"mean", "scale"} <= set(scaler):
        mean, scale = scaler["mean"], scaler["scale"]
    elif hasattr(scaler, "mean_") and hasattr(scaler, "scale_"):
        mean = scaler.mean_ if getattr(scaler, "with_mean", True) else np.zeros(features)
        scale = scaler.scale_ if getattr(scaler, "with_std", True) else np.ones(features)
    elif scaling == "outside":
        return None
    else:
        raise ModelError(
            f"scaler: is a {class_path(scaler)}, must be a StandardScaler or a dict with mean and "
            "scale; scaling=outside makes a model whose input is scaled already"
        )
    both = []
    for label, values in (("mean", mean), ("scale", scale)):
        array = as_array(values, f"scaler: {label}").astype(np.float64).ravel()
        if array.size != features:
            raise ModelError(f"scaler: {label} has {array.size} numbers for {features} features")
        if not np.isfinite(array).all() or (label == "scale" and (array <= 0).any()):
            raise ModelError(
                f"scaler: {label} must be finite" + (", above 0" if label == "scale" else "")
            )
        both.append(array)
    return both[0], both[1]


def _scaled(
    factors: tuple[np.ndarray, np.ndarray] | None, scaling: str
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Give what is done to numbers [features, z] before they are compared."""
    if factors is None or scaling == "outside":
        return None
    kind: type[np.floating[Any]] = np.float32 if scaling == "float32" else np.float64
    with np.errstate(over="ignore"):
        mean, scale = (array.astype(kind)[:, None] for array in factors)
    if not np.isfinite([mean, scale]).all() or (scale == 0).any():
        raise ModelError("scaler: its numbers are too large or too small for float32")
    rounded = np.float64 if scaling == "float64" else np.float32

    def scaled(x: np.ndarray) -> np.ndarray:
        return ((x.astype(kind) - mean) / scale).astype(rounded)

    return scaled


def _fixed(
    before: Callable[[np.ndarray], np.ndarray] | None, thresholds: np.ndarray, bits: int
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Numbers and thresholds as the hardware of dwn2rtl compares them."""
    largest = float(np.abs(thresholds).max())
    whole = max(0, math.frexp(largest)[1])  # 2^whole is above all of them
    if not 0 <= bits <= _WIDEST - 1 - whole:
        raise InputError(
            f"input_bits is {bits}, must be 0 to {_WIDEST - 1 - whole}: a word has {_WIDEST} bits, "
            f"of which these thresholds need {1 + whole} for the sign and whole numbers"
        )
    end = 2.0 ** (whole + bits)

    def fixed(x: np.ndarray) -> np.ndarray:
        numbers = (x if before is None else before(x)).astype(np.float64)
        return np.clip(np.floor(numbers * 2.0**bits), -end, end - 1)

    return fixed, np.floor(thresholds.astype(np.float64) * 2.0**bits)


def _is_checkpoint(path: Path) -> bool:
    head = checkpoint_head(path)
    return b"luts" in head and b"thermomet" in head and (b"config" in head or b"model" in head)


FORMAT = Format(
    name="dwn2rtl",
    title="checkpoints of dwn2rtl: a network of torch_dwn with thermometer and scaler",
    suffixes=(".pt", ".pth", ".ckpt"),
    read=_read,
    read_options=(
        Option(
            "scaling",
            str,
            "rounded",
            "how (x - mean) / scale is computed: in float64, rounded to float32 after that, in "
            "float32, or outside, before the model",
            _SCALINGS,
        ),
        Option(
            "input_bits",
            int,
            None,
            "compare as dwn2rtl's hardware does, rounded down to so many fractional bits",
        ),
        Option("dtype", str, "float32", "type of the model's input", NUMBERS),
    ),
    reads="Thermometer, a LogicDense for each layer, GroupSum; the scaler goes into the thresholds",
    extra="torch",
    python="lgnx.converters.dwn2rtl.from_checkpoint(checkpoint)",
    sniff=_is_checkpoint,
)
