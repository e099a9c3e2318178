"""What project files say of an RTL folder: files and ports of the top module."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lgnx.converters.verilog.folder import SIDECAR, build_id
from lgnx.converters.verilog.names import check_name
from lgnx.converters.verilog.write import FORMAT, VERSION
from lgnx.ops.errors import InputError, ModelError

__all__ = ["Port", "RtlFolder", "read_folder"]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_BITS = (
    *("in_valid", "out_valid", "trigger", "frame_error", "s_axis_tlast"),
    *(f"{side}_axis_{wire}" for side in "sm" for wire in ("tvalid", "tready")),
)
"""Ports without an index; all others are vectors, if only of one bit."""


@dataclass(frozen=True)
class Port:
    """A port of the top module, or a field of one."""

    name: str
    width: int


@dataclass(frozen=True)
class RtlFolder:
    """An RTL folder.

    Attributes
    ----------
    path
        The folder.
    sidecar
        Its ``lgnx.json``.
    top
        The top module.
    build_id
        Number of the build.
    files
        Names of the Verilog files.
    """

    path: Path
    sidecar: dict[str, Any]
    top: str
    build_id: str
    files: tuple[str, ...]

    @property
    def clock(self) -> str | None:
        """Port of the clock; None in a combinational design."""
        return self.sidecar["clock"]

    @property
    def reset(self) -> dict[str, str] | None:
        """Name, style and active level of the reset."""
        return self.sidecar["reset"]

    @property
    def handshake(self) -> str:
        """``"none"``, ``"valid"`` or ``"axi-stream"``."""
        return self.sidecar["handshake"]

    @property
    def latency(self) -> int:
        """As the sidecar has it."""
        return self.sidecar["latency"]

    @property
    def file_type(self) -> str:
        """What FuseSoC and edalize call the language."""
        old = self.sidecar["language"] == "verilog"
        return "verilogSource-2001" if old else "systemVerilogSource"

    @property
    def beats(self) -> int:
        """Transfers that bring one sample; 1 but for streaming designs."""
        return self.sidecar["input"]["stream"]["beats"] if self.streaming else 1

    @property
    def streaming(self) -> bool:
        """Whether a sample comes in several transfers, of which ``tlast`` marks the last."""
        return self.sidecar["style"] == "streaming"

    @property
    def beat_bits(self) -> int:
        """Bits of a sample in one transfer, without those that fill the last byte."""
        port = self.sidecar["input"]
        return sum(port["stream"]["slots"][-1]) if self.streaming else port["width"]

    @property
    def in_bits(self) -> int:
        """Bits of a whole sample, transfer after transfer, the first one lowest."""
        return self.beats * self.beat_bits

    @cached_property
    def outputs(self) -> list[Port]:
        """The outputs, in the order in which a stream packs them, lowest bits first."""
        found = []
        for port in self.sidecar["outputs"]:
            width = port["groups"] * port["width"] if "groups" in port else port.get("bits")
            found.append(Port(port["name"], 1 if "at_least" in port else width or port["width"]))
        return found

    @property
    def out_bits(self) -> int:
        """Bits of all outputs together."""
        return sum(port.width for port in self.outputs)

    @property
    def ports(self) -> tuple[list[Port], list[Port]]:
        """Inputs and outputs of the top module, without clock and reset."""
        if self.handshake == "axi-stream":
            last = [Port("s_axis_tlast", 1)] if self.streaming else []
            return (
                [
                    Port("s_axis_tdata", in_bytes(self.beat_bits)),
                    *last,
                    Port("s_axis_tvalid", 1),
                    Port("m_axis_tready", 1),
                ],
                [
                    Port("m_axis_tdata", in_bytes(self.out_bits)),
                    Port("m_axis_tvalid", 1),
                    Port("s_axis_tready", 1),
                    *(Port("frame_error", 1) for _ in last),
                ],
            )
        valid = self.handshake == "valid"
        return (
            [Port(self.sidecar["input"]["name"], self.in_bits)] + [Port("in_valid", 1)] * valid,
            self.outputs + [Port("out_valid", 1)] * valid,
        )

    @property
    def patterns(self) -> dict[str, list[str]]:
        """Inputs and outputs, without clock, as constraints name them: ``x[*]``."""
        inputs, outputs = (
            [p.name if p.width == 1 and p.name in _BITS else f"{{{p.name}[*]}}" for p in ports]
            for ports in self.ports
        )
        if self.reset and self.reset["style"] == "sync":
            inputs.append(self.reset["name"])
        return {"inputs": inputs, "outputs": outputs}


def in_bytes(bits: int) -> int:
    """Bits of the whole bytes that hold so many."""
    return -(-bits // 8) * 8


def read_folder(path: Path) -> RtlFolder:
    """Read an RTL folder that lgnx wrote.

    Raises
    ------
    ModelError
        If it is none, or its parts are not of one build.
    """
    where = path / SIDECAR
    try:
        sidecar = json.loads(where.read_text("utf-8"))
        sources = {name: (path / name).read_text("utf-8") for name in sidecar["files"]}
        if (sidecar["format"], sidecar["version"]) != (FORMAT, VERSION):
            raise ModelError(f"{where}: is not of format {FORMAT!r}, version {VERSION}")
        folder = RtlFolder(
            path, sidecar, sidecar["top"], sidecar["build_id"], tuple(sidecar["files"])
        )
        check_name(folder.top)
        inputs, outputs = folder.ports
        names = [port.name for port in inputs + outputs]
        names += [folder.clock] if folder.clock else []
        names += [folder.reset["name"]] if folder.reset else []
        for name in names:
            if not _NAME.fullmatch(name):
                raise ModelError(f"{where}: port {name!r}: must be letters, digits and _")
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read: {error.strerror}") from None
    except InputError as error:
        raise ModelError(f"{where}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"{where}: is not a sidecar of lgnx") from None
    if (found := build_id(sources, sidecar)) != folder.build_id:
        raise ModelError(
            f"{where}: build_id is {folder.build_id!r}, but the Verilog and this file have "
            f"{found!r}: they were changed, or are not of one build"
        )
    return folder
