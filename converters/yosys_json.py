"""Netlists of yosys as JSON, as its commands read_json and write_json have them.

The format is documented by yosys's `help write_json`, the cells by its simcells.v.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.formats import Format
from lgnx.converters.yosys_json_reader import circuit_of
from lgnx.converters.yosys_json_writer import pieces
from lgnx.files import read_bytes
from lgnx.ops.errors import ModelError

__all__ = ["FORMAT", "read_yosys_json"]


def read_yosys_json(source: str | bytes | dict[str, Any], where: str = "yosys JSON") -> Circuit:
    """Turn a netlist of yosys into a circuit.

    Parameters
    ----------
    source
        The JSON text, or what it holds.
    where
        What messages call it: the file's name.

    Raises
    ------
    ModelError
        If it is malformed, or is not one flat module of combinational gates; the message names
        the module, cell, pin or net.
    """
    with _no_collection():
        return circuit_of(source if isinstance(source, dict) else _parse(source, where), where)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage among millions of new objects again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        content = json.loads(text, object_hook=_without_details)
    except UnicodeDecodeError:
        raise ModelError(f"{where}: is no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"{where}: line {error.lineno}: is no JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}: is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"{where}: must be a JSON object with the key 'modules'")
    return content


def _without_details(entry: dict[str, Any]) -> dict[str, Any]:
    """Drop what is not needed of a cell as soon as it is parsed, to save memory."""
    if "connections" not in entry or "type" not in entry:
        return entry
    kept = {"type": entry["type"], "connections": entry["connections"]}
    if entry.get("parameters"):
        kept["parameters"] = entry["parameters"]
    return kept


def _read(path: Path) -> onnx.ModelProto:
    where = str(path)
    circuit = read_yosys_json(read_bytes(path), where)
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, pieces(circuit), "utf-8")


def _sniff(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"modules"' in file.read(4096)


FORMAT = Format(
    name="yosys-json",
    title="JSON netlist of yosys",
    suffixes=(".json",),
    read=_read,
    write=_write,
    write_options=(PART,),
    reads="one flat module of gates and $lut cells, as one LogicNetwork",
    writes="a module of $_AND_, $_ANDNOT_, $_NOR_, $_XOR_ and $_NOT_ cells",
    sniff=_sniff,
)
