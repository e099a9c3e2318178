"""AIGER, the format of and-inverter graphs: ASCII (.aag) and binary (.aig)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from lgnx.converters.aiger_reader import read_circuit
from lgnx.converters.aiger_writer import pieces
from lgnx.converters.circuit import PART, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.formats import Format, Option
from lgnx.files import read_bytes

__all__ = ["FORMAT"]

ENCODING = Option(
    "encoding",
    str,
    "auto",
    "ascii or binary; auto: ascii in a file called *.aag, else binary",
    ("auto", "ascii", "binary"),
)


def _read(path: Path) -> onnx.ModelProto:
    circuit = read_circuit(read_bytes(path, "an AIGER file"), str(path))
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all", encoding: str = "auto") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    ascii_wanted = encoding == "ascii" or (encoding == "auto" and path.suffix.lower() == ".aag")
    return write_pieces(path, pieces(circuit, binary=not ascii_wanted))


FORMAT = Format(
    name="aiger",
    title="AIGER 1.9, ASCII and binary, combinational",
    suffixes=(".aig", ".aag"),
    read=_read,
    write=_write,
    write_options=(PART, ENCODING),
    reads="the and-inverter graph as one LogicNetwork, exclusive ors found",
    writes="an and-inverter graph with the names of its ports",
)
