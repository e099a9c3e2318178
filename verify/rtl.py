"""An RTL folder as its sidecar ``lgnx.json`` describes it."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lgnx.converters.verilog.fixed_point import FixedPoint, check_port, parse_format
from lgnx.converters.verilog.folder import SIDECAR, build_id
from lgnx.converters.verilog.interface import HANDSHAKES, LANGUAGES
from lgnx.converters.verilog.logic import Cutting
from lgnx.converters.verilog.write import FORMAT, VERSION
from lgnx.ops.errors import InputError, ModelError
from lgnx.scaling import InputScaling
from lgnx.verify.rtl_ports import BitsPort, ClassPort, InputPort, ScoresPort, TriggerPort
from lgnx.verify.stream_port import Stream, read_stream

__all__ = ["Reset", "Rtl", "RtlModule", "read_rtl"]

# Names reach Verilog, C++ and command lines: plain identifiers, which Verilator leaves as they are
# (it rewrites double underscores).
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_INPUT_TYPES = (
    *("bool", "float16", "float32", "float64"),
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
)
_SCORE_TYPES = ("float32", "float64", "int32", "int64")


@dataclass(frozen=True)
class Reset:
    """The reset of the valid bits."""

    name: str
    asynchronous: bool
    active_low: bool


@dataclass(frozen=True)
class RtlModule:
    """A module of the design: its name, role and, for a stage of logic, number."""

    name: str
    file: str
    role: str
    stage: int | None


@dataclass(frozen=True)
class Rtl:
    """An RTL folder.

    Attributes
    ----------
    build_id
        Number of the build, which the Verilog carries, too.
    netlist_sha256
        Of the model's netlist, see `lgnx.converters.verilog.write.digest`.
    files
        The Verilog files, absolute.
    handshake
        ``"none"``, ``"valid"`` or ``"axi-stream"``.
    scoring
        How counts become scores, also where no port gives them; None for a model of bits.
    cutting
        How the logic is cut into stages.
    latency
        Clock edges from the one that takes a sample to the one after which its result stands at
        the outputs, that one counted; 0 for a combinational design. In a streaming design a sample
        is taken from the first of its beats on.
    stream
        How an image comes in as beats; None unless the design is a streaming one.
    tail
        The dense design inside a streaming one, in the same folder.
    """

    folder: Path
    build_id: str
    netlist_sha256: str
    top: str
    files: tuple[Path, ...]
    language: str
    pipelined: bool
    handshake: str
    clock: str
    reset: Reset | None
    cutting: Cutting
    latency: int
    input: InputPort
    scoring: ScoresPort | None
    scores: ScoresPort | None
    class_index: ClassPort | None
    trigger: TriggerPort | None
    bits: BitsPort | None
    modules: tuple[RtlModule, ...]
    stream: Stream | None = None
    tail: Rtl | None = None

    @property
    def core(self) -> str:
        """Module of the pipeline itself, without the wrapper of an AXI stream."""
        return f"{self.top}_core" if self.handshake == "axi-stream" else self.top

    @property
    def outputs(self) -> list[tuple[str, int]]:
        """Names and widths of the outputs, in the order in which a stream packs them."""
        ports: list[tuple[str, int]] = []
        if self.scores:
            ports.append((self.scores.name, self.scores.groups * self.scores.width))
        if self.class_index:
            ports.append((self.class_index.name, self.class_index.width))
        if self.trigger:
            ports.append((self.trigger.name, 1))
        if self.bits:
            ports.append((self.bits.name, self.bits.bits))
        return ports

    @property
    def code_shape(self) -> tuple[int, ...]:
        """Shape of what `codes` gives for a sample: features, or beats and their slots."""
        if self.stream is None:
            return (self.input.features,)
        return self.stream.beats, len(self.stream.slots)

    @property
    def interval(self) -> int:
        """Clocks from a sample to the next, without stalls."""
        return 1 if self.stream is None else self.stream.interval

    def codes(self, x: np.ndarray) -> np.ndarray:
        """Give what the harness takes for samples: features, or slots of beats of a streaming one.

        Takes and raises what `InputPort.codes` does; the result is ``[batch, features]`` or
        ``[batch, beats, slots]``.
        """
        codes = self.input.codes(x)
        return codes if self.stream is None else self.stream.serialise(codes)

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

    def read(self, data: Any, whole: tuple[tuple[Path, ...], str] | None = None) -> Rtl:
        """Read a sidecar, or the part of one that tells of a design inside; ``whole`` is then the
        files and the number of the build.
        """
        if not isinstance(data, dict):
            raise self.error("the file", data, "an object")
        if data.get("format") != FORMAT:
            raise self.error("format", data.get("format"), f"{FORMAT!r}")
        if data.get("version") != VERSION:
            raise self.error("version", data.get("version"), f"{VERSION}")
        top = self.name(data, "top")
        style = data.get("style")
        if style not in ("combinational", "pipelined", "streaming"):
            raise self.error("style", style, "'combinational', 'pipelined' or 'streaming'")
        pipelined, streaming = style != "combinational", style == "streaming"
        language = self.choice(data, "language", LANGUAGES)
        handshake = self.choice(data, "handshake", HANDSHAKES)
        if handshake != "none" and not pipelined:
            raise self.error("handshake", handshake, "'none' in a combinational design")
        if handshake != "axi-stream" and streaming:
            raise self.error("handshake", handshake, "'axi-stream' in a streaming design")
        latency = self.integer(data, "latency", int(pipelined), 1 << 20)
        if not pipelined and latency:
            raise self.error("latency", latency, "0 in a combinational design")
        interval = self.integer(data, "initiation_interval", 1, 1 << 40 if streaming else 1)
        outputs = data.get("outputs")
        if not isinstance(outputs, list) or not all(isinstance(o, dict) for o in outputs):
            raise self.error("outputs", outputs, "a list of objects")
        files = whole[0] if whole else self.files(data.get("files"))
        stream = read_stream(self, data, interval) if streaming else None
        rtl = Rtl(
            folder=self.path.parent,
            netlist_sha256=str(data.get("netlist_sha256", "")),
            top=top,
            files=files,
            language=language,
            pipelined=pipelined,
            handshake=handshake,
            clock=self.name(data, "clock") if pipelined else "",
            reset=self.reset(data.get("reset")),
            cutting=self.cutting(data, pipelined),
            latency=latency,
            input=self.input(data.get("input")),
            scoring=self.scoring(data.get("scoring")),
            **self.outputs(outputs),
            modules=self.modules(data.get("modules")),
            stream=stream,
            # Last: a wrong field is told by its name.
            build_id=whole[1] if whole else self.build(data, files),
        )
        if stream is None:
            return rtl
        return replace(rtl, tail=self.read(data["streaming"].get("tail"), (files, rtl.build_id)))

    def choice(self, data: dict[str, Any], field: str, allowed: tuple[str, ...]) -> str:
        value = data.get(field)
        if value not in allowed:
            raise self.error(field, value, " or ".join(map(repr, allowed)))
        return str(value)

    def build(self, data: dict[str, Any], files: tuple[Path, ...]) -> str:
        """Check that Verilog and sidecar are of one build."""
        given = data.get("build_id")
        sources = {path.name: path.read_text("utf-8", errors="replace") for path in files}
        if given != (found := build_id(sources, data)):
            raise ModelError(
                f"{self.path}: build_id is {given!r}, but the Verilog and this file have "
                f"{found!r}: they were changed, or are not of one build; for changes that you made "
                "yourself, lgnx.converters.verilog.folder.stamp gives the folder a new number"
            )
        return found

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
        features = self.integer(port, "features", 1, 1 << 31, "input.")
        ports = self.formats(port, "format", features)
        values = self.formats(port, "values", features)
        for one, other in dict.fromkeys(zip(values, ports, strict=True)):
            try:
                check_port(one, other)
            except InputError as error:
                raise ModelError(f"{self.path}: input.values: {error}") from None
        width = self.integer(port, "width", 1, 1 << 31, "input.")
        if width != (total := sum(form.width for form in ports)):
            raise self.error("input.width", width, f"{total}, as the formats have it")
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
            width=width,
            values=values,
            ports=ports,
            dtype=np.dtype(dtype),
            shape=tuple(shape),
            scaling=self.scaling(port.get("scaling"), shape),
        )

    def scaling(self, given: Any, shape: list[int]) -> InputScaling | None:
        if given is None:
            return None
        return InputScaling.of(given, shape, f"{self.path}: input.scaling")

    def formats(self, port: dict[str, Any], field: str, features: int) -> tuple[FixedPoint, ...]:
        given = port.get(field)
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or len(texts) not in (
            {1} if texts is not given else {features}
        ):
            raise self.error(f"input.{field}", given, f"a format, or a list of {features}")
        try:
            known = {text: parse_format(str(text)) for text in set(map(str, texts))}
        except InputError as error:
            raise ModelError(f"{self.path}: input.{field}: {error}") from None
        found = tuple(known[str(text)] for text in texts)
        return found * features if isinstance(given, str) else found

    def outputs(self, ports: list[dict[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for position, port in enumerate(ports):
            prefix = f"outputs[{position}]."
            name = self.name(port, "name", prefix)
            if "groups" in port:
                found["scores"] = self.scores(port, name, prefix)
            elif "bits" in port:
                found["bits"] = BitsPort(name, self.integer(port, "bits", 1, 1 << 31, prefix))
            elif "at_least" in port:
                found["trigger"] = TriggerPort(
                    name,
                    self.integer(port, "group", 0, 1 << 31, prefix),
                    self.integer(port, "at_least", 0, 1 << 31, prefix),
                )
            else:
                width = self.integer(port, "width", 1, 32, prefix)
                found["class_index"] = ClassPort(name, width)
        if not found or ("bits" in found and len(found) > 1) or len(found) < len(ports):
            given = [port.get("name") for port in ports]
            raise self.error("outputs", given, "bits alone, or some of scores, class and trigger")
        return {key: found.get(key) for key in ("scores", "class_index", "trigger", "bits")}

    def cutting(self, data: dict[str, Any], pipelined: bool) -> Cutting:
        compact = data.get("compact", False)
        if not isinstance(compact, bool):
            raise self.error("compact", compact, "true or false")
        if not pipelined:
            return Cutting(None, compact=compact)
        if data.get("lut_levels") is None:
            return Cutting(self.integer(data, "levels_per_stage", 1, 1 << 20), compact=compact)
        return Cutting(
            None,
            self.integer(data, "lut_levels", 1, 1 << 20),
            self.integer(data, "lut_inputs", 4, 6),
            compact,
        )

    def scoring(self, given: Any) -> ScoresPort | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            raise self.error("scoring", given, "an object or null")
        return self.scores(given, "scores", "scoring.")

    def reset(self, given: Any) -> Reset | None:
        if given is None:
            return None
        if not isinstance(given, dict):
            raise self.error("reset", given, "an object or null")
        for field, allowed in (("style", ("sync", "async")), ("active", ("high", "low"))):
            if given.get(field) not in allowed:
                raise self.error(
                    f"reset.{field}", given.get(field), " or ".join(map(repr, allowed))
                )
        name = self.name(given, "name", "reset.")
        return Reset(name, given["style"] == "async", given["active"] == "low")

    def modules(self, given: Any) -> tuple[RtlModule, ...]:
        if not isinstance(given, list) or not all(isinstance(m, dict) for m in given):
            raise self.error("modules", given, "a list of objects")
        found = []
        for position, module in enumerate(given):
            prefix = f"modules[{position}]."
            stage = module.get("stage")
            if stage is not None:
                stage = self.integer(module, "stage", 0, 1 << 31, prefix)
            for field in ("file", "role"):
                if not isinstance(module.get(field), str):
                    raise self.error(prefix + field, module.get(field), "text")
            found.append(
                RtlModule(self.name(module, "name", prefix), module["file"], module["role"], stage)
            )
        return tuple(found)

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
