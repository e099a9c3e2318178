"""An RTL folder as its sidecar ``lgnx.json`` describes it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.verilog.fixed_point import FixedPoint, check_port, parse_format
from lgnx.ops.errors import InputError, ModelError

__all__ = ["BitsPort", "ClassPort", "InputPort", "Rtl", "ScoresPort", "read_rtl"]

SIDECAR = "lgnx.json"
FORMAT, VERSION = "lgnx-rtl", 1

# Names reach Verilog, C++ and command lines: plain identifiers, which Verilator leaves as they are
# (it rewrites double underscores).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_BLOCK = 1 << 14  # features whose codes are computed at a time: the temporaries stay in the cache
_INPUT_TYPES = (
    *("bool", "float16", "float32", "float64"),
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
)
_SCORE_TYPES = ("float32", "float64", "int32", "int64")


@dataclass(frozen=True)
class InputPort:
    """Port ``x``: feature f in fixed point at ``x[f*width +: width]``.

    Attributes
    ----------
    values
        What values the model's input takes.
    port
        What the port carries: the floor of a value to this format, which may drop bits that no
        threshold needs.
    dtype, shape
        Of one sample of the model's input.
    """

    name: str
    features: int
    values: FixedPoint
    port: FixedPoint
    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def code_dtype(self) -> np.dtype:
        """Unsigned integer type in which the harness takes a feature."""
        return next(np.dtype(f"u{n}") for n in (1, 2, 4, 8) if self.port.width <= 8 * n)

    def codes(self, x: np.ndarray) -> np.ndarray:
        """Give what the port carries for each feature, ``code_dtype`` [batch, features].

        Parameters
        ----------
        x
            ``[batch, ...]`` numbers, flattened per sample in C order to ``[batch, features]``.

        Raises
        ------
        InputError
            If a value is not exactly one of the format; names the first sample and feature.
        """
        x = np.asarray(x)
        if x.ndim < 1 or x.size != x.shape[0] * self.features:
            raise InputError(
                f"input has shape {list(x.shape)}; the RTL takes {self.features} features per "
                "sample, with the samples on the first axis"
            )
        if x.dtype.kind not in "biuf":
            raise InputError(f"input has dtype {x.dtype}; the RTL takes numbers or bool")
        rows = x.reshape(len(x), self.features)
        if x.dtype.itemsize == 1:
            every = np.arange(2 if x.dtype == bool else 256, dtype=np.uint8).view(x.dtype)
            with contextlib.suppress(InputError):  # else the values decide
                return self._codes_of_rows(every[None], 0)[0][rows.view(np.uint8)]
        codes = np.empty(rows.shape, self.code_dtype)
        step = max(1, _BLOCK // max(1, self.features))
        for first in range(0, len(rows), step):
            part = slice(first, first + step)
            codes[part] = self._codes_of_rows(rows[part], first)
        return codes

    def _codes_of_rows(self, rows: np.ndarray, first: int) -> np.ndarray:
        scale = _scale_floats if rows.dtype.kind == "f" else _scale_integers
        codes, bad = scale(rows, self.values)
        if bad.any():
            sample, feature = np.argwhere(bad)[0]
            form = self.values
            lowest, highest, step = (float(form.value(q)) for q in (form.lowest, form.highest, 1))
            raise InputError(
                f"sample {first + sample}, feature {feature}: the value {rows[sample, feature]} is "
                f"not one of the RTL's input format {form}, which goes from {lowest:g} to "
                f"{highest:g} in steps of {step:g}"
            )
        dropped = self.values.fraction_bits - self.port.fraction_bits
        kind = codes.dtype.type
        codes = codes >> kind(min(dropped, 63)) if dropped >= 0 else codes << kind(-dropped)
        return codes.astype(self.code_dtype)


def _scale_integers(x: np.ndarray, form: FixedPoint) -> tuple[np.ndarray, np.ndarray]:
    """Give codes, and which of them are wrong, without a detour through floats."""
    wide = x.astype(np.int64 if x.dtype.kind == "i" else np.uint64)
    shift = form.fraction_bits
    if shift >= 0:
        first, last = -(-form.lowest >> shift), form.highest >> shift
    else:
        first, last = form.lowest << -shift, form.highest << -shift
    limits = np.iinfo(wide.dtype)
    bad = (wide < max(first, limits.min)) | (wide > min(last, limits.max))
    if shift < 0:
        step = wide.dtype.type(1 << -shift)
        codes, bad = wide // step, bad | (wide % step != 0)
    else:
        codes = np.where(bad, wide.dtype.type(0), wide) << wide.dtype.type(shift)
    return codes.astype(np.int64 if form.signed else np.uint64), bad


def _scale_floats(x: np.ndarray, form: FixedPoint) -> tuple[np.ndarray, np.ndarray]:
    """Give codes, and which of them are wrong; a scaling by a power of two is exact."""
    scaled = np.ldexp(x.astype(np.float64), form.fraction_bits)
    # highest + 1 is a power of two, so exact as a float64 where highest need not be. NaN is wrong.
    good = (scaled >= form.lowest) & (scaled < form.highest + 1) & (np.rint(scaled) == scaled)
    codes = np.where(good, scaled, 0.0).astype(np.int64 if form.signed else np.uint64)
    return codes, ~good


@dataclass(frozen=True)
class ScoresPort:
    """Port ``scores``: the count of group g at ``scores[g*width +: width]``.

    The model's score is (count + bias)/tau + beta, each step in ``dtype``.
    """

    name: str
    groups: int
    width: int
    bias: float
    tau: float
    beta: float
    dtype: np.dtype

    def scores(self, counts: np.ndarray) -> np.ndarray:
        """Give the model's scores of counts int64[..., groups], in ``dtype``."""
        result = counts.astype(self.dtype)
        if self.bias != 0:
            result = result + self.dtype.type(np.float32(self.bias))
        if self.tau != 1:
            result = result / self.dtype.type(np.float32(self.tau))
        if self.beta != 0:
            result = result + self.dtype.type(np.float32(self.beta))
        return result.astype(self.dtype)


@dataclass(frozen=True)
class ClassPort:
    """Port ``class_index``: the lowest group with the largest count."""

    name: str
    width: int


@dataclass(frozen=True)
class BitsPort:
    """Port ``y`` of a network without a group sum: output bit i at ``y[i]``."""

    name: str
    bits: int


@dataclass(frozen=True)
class Rtl:
    """An RTL folder.

    Attributes
    ----------
    files
        The Verilog files, absolute.
    latency
        Clock edges from the one that takes a sample to the one after which its result stands at
        the outputs, that one counted; 0 for a combinational design.
    """

    folder: Path
    top: str
    files: tuple[Path, ...]
    pipelined: bool
    clock: str
    latency: int
    input: InputPort
    scores: ScoresPort | None
    class_index: ClassPort | None
    bits: BitsPort | None

    def contents(self) -> list[bytes]:
        """Give everything that a build depends on, for the key of a cache.

        A file that is included by another must be listed, since folders are not searched.
        """
        named = [(path.name.encode(), path.read_bytes()) for path in self.files]
        return [self.top.encode(), *(part for pair in named for part in pair)]


def read_rtl(folder: str | os.PathLike[str]) -> Rtl:
    """Read and check the sidecar of an RTL folder.

    Raises
    ------
    ModelError
        If the sidecar or a Verilog file is missing, or a field is missing or wrong; the message
        names the file and the field.
    """
    folder = Path(folder).absolute()
    path = folder / SIDECAR
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        hint = "is not an RTL folder that lgnx wrote" if folder.is_dir() else "no such folder"
        raise ModelError(f"{folder}: {hint}: there is no {SIDECAR}") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}") from None
    return _Reader(path).read(data)


class _Reader:
    """Checks of one sidecar, each with the file and the field in its message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, data: Any) -> Rtl:
        if not isinstance(data, dict):
            raise self.error("the file", data, "an object")
        if data.get("format") != FORMAT:
            raise self.error("format", data.get("format"), f"{FORMAT!r}")
        if data.get("version") != VERSION:
            raise self.error("version", data.get("version"), f"{VERSION}")
        top = self.name(data, "top")
        style = data.get("style")
        if style not in ("combinational", "pipelined"):
            raise self.error("style", style, "'combinational' or 'pipelined'")
        pipelined = style == "pipelined"
        latency = self.integer(data, "latency", int(pipelined), 1 << 20)
        if not pipelined and latency:
            raise self.error("latency", latency, "0 in a combinational design")
        if pipelined and data.get("initiation_interval") != 1:
            raise self.error("initiation_interval", data.get("initiation_interval"), "1")
        outputs = data.get("outputs")
        if not isinstance(outputs, list) or not all(isinstance(o, dict) for o in outputs):
            raise self.error("outputs", outputs, "a list of objects")
        scores, class_index, bits = self.outputs(outputs)
        return Rtl(
            folder=self.path.parent,
            top=top,
            files=self.files(data.get("files")),
            pipelined=pipelined,
            clock=self.name(data, "clock") if pipelined else "",
            latency=latency,
            input=self.input(data.get("input")),
            scores=scores,
            class_index=class_index,
            bits=bits,
        )

    def files(self, names: Any) -> tuple[Path, ...]:
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            raise self.error("files", names, "a list of Verilog files")
        for name in names:
            relative = Path(name)
            if relative.is_absolute() or ".." in relative.parts:
                raise self.error("files", name, "paths inside the folder")
            if not (self.path.parent / relative).is_file():
                raise ModelError(
                    f"{self.path.parent / relative}: no such file, though {SIDECAR} lists it"
                )
        return tuple(self.path.parent / name for name in names)

    def input(self, port: Any) -> InputPort:
        if not isinstance(port, dict):
            raise self.error("input", port, "an object")
        signed = port.get("signed")
        if not isinstance(signed, bool):
            raise self.error("input.signed", signed, "true or false")
        features = self.integer(port, "features", 1, 1 << 31, "input.")
        width = self.integer(port, "width", 1, 64, "input.")
        carried = FixedPoint(width, self.integer(port, "fraction_bits", -62, 62, "input."), signed)
        try:
            values = parse_format(str(port.get("values", carried)))
            check_port(values, carried)
        except InputError as error:
            raise ModelError(f"{self.path}: input.values: {error}") from None
        shape = port.get("shape", [features])
        if not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
            raise self.error("input.shape", shape, "a list of whole numbers above 0")
        if math.prod(shape) != features:
            raise self.error("input.shape", shape, f"a shape of {features} features")
        dtype = port.get("dtype", "float64")
        if dtype not in _INPUT_TYPES:
            raise self.error("input.dtype", dtype, f"one of {', '.join(_INPUT_TYPES)}")
        return InputPort(
            name=self.name(port, "name", "input."),
            features=features,
            values=values,
            port=carried,
            dtype=np.dtype(dtype),
            shape=tuple(shape),
        )

    def outputs(
        self, ports: list[dict[str, Any]]
    ) -> tuple[ScoresPort | None, ClassPort | None, BitsPort | None]:
        scores: ScoresPort | None = None
        class_index: ClassPort | None = None
        bits: BitsPort | None = None
        for position, port in enumerate(ports):
            prefix = f"outputs[{position}]."
            name = self.name(port, "name", prefix)
            if "groups" in port:
                scores = self.scores(port, name, prefix)
            elif "bits" in port:
                bits = BitsPort(name, self.integer(port, "bits", 1, 1 << 31, prefix))
            else:
                class_index = ClassPort(name, self.integer(port, "width", 1, 32, prefix))
        if (scores is None) == (bits is None) or (bits is not None and class_index is not None):
            given = [port.get("name") for port in ports]
            raise self.error("outputs", given, "scores with or without a class, or bits alone")
        return scores, class_index, bits

    def scores(self, port: dict[str, Any], name: str, prefix: str) -> ScoresPort:
        dtype = port.get("dtype")
        if dtype not in _SCORE_TYPES:
            raise self.error(f"{prefix}dtype", dtype, f"one of {', '.join(_SCORE_TYPES)}")
        numbers = {}
        for field in ("bias", "tau", "beta"):
            value = port.get(field)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise self.error(prefix + field, value, "a number")
            if not np.isfinite(value) or (field == "tau" and value <= 0):
                raise self.error(prefix + field, value, "finite (and tau above 0)")
            numbers[field] = float(value)
        return ScoresPort(
            name=name,
            groups=self.integer(port, "groups", 1, 1 << 31, prefix),
            width=self.integer(port, "width", 1, 32, prefix),
            dtype=np.dtype(dtype),
            **numbers,
        )

    def name(self, data: dict[str, Any], field: str, prefix: str = "") -> str:
        value = data.get(field)
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise self.error(prefix + field, value, "a plain identifier")
        return value

    def integer(
        self, data: dict[str, Any], field: str, lowest: int, highest: int, prefix: str = ""
    ) -> int:
        value = data.get(field)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            raise self.error(prefix + field, value, f"a whole number from {lowest} to {highest}")
        return value

    def error(self, field: str, given: Any, allowed: str) -> ModelError:
        shown = "missing" if given is None else repr(given)
        return ModelError(f"{self.path}: {field} is {shown}; allowed: {allowed}")
