"""Files of gate-level formats: what each of their converters does at both ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import onnx

from lgnx.converters.circuit import Circuit, circuit_to_model
from lgnx.files import atomic_path
from lgnx.metadata import SOURCE_FORMAT

__all__ = ["model_of_file", "write_pieces"]


def model_of_file(circuit: Circuit, path: Path, format: str) -> onnx.ModelProto:
    """Turn what was read from a file into a model that says where it first came from.

    Raises
    ------
    ModelError
        As `lgnx.converters.circuit.circuit_to_model` does; the file is named.
    """
    metadata = {SOURCE_FORMAT: format, **circuit.metadata}
    return circuit_to_model(replace(circuit, metadata=metadata), str(path))


def write_pieces(
    path: Path, pieces: Iterable[str] | Iterable[bytes], encoding: str | None = None
) -> list[Path]:
    """Write a file piece by piece, whole or not at all.

    Parameters
    ----------
    encoding
        Of text; None where the pieces are bytes.

    Returns
    -------
    list of pathlib.Path
        The file.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w" if encoding else "wb", encoding=encoding) as file,
    ):
        file.writelines(pieces)
    return [path]
