"""Reading and writing files: clear errors, and output that appears whole or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError

from lgnx.ops.errors import InputError, ModelError

if TYPE_CHECKING:
    import onnx_ir as ir


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, renamed to ``path`` at the end.

    On an error the temporary file is removed and ``path`` is left as it was.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent
        )
    except OSError as error:
        raise InputError(f"{path}: cannot write there: {error.strerror}") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes it private
        try:
            temporary.replace(path)
        except OSError as error:
            raise InputError(f"{path}: cannot write there: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def read_bytes(path: str | os.PathLike[str], kind: str = "a file") -> bytes:
    """Read a file.

    Parameters
    ----------
    kind
        What messages say that it should be.

    Raises
    ------
    ModelError
        If it is missing, a folder or unreadable; the message names it.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise ModelError(f"{path}: is a folder, not {kind}") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None


def load_model(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """Read an ONNX file.

    Raises
    ------
    ModelError
        If the file is missing, unreadable, empty, truncated or not ONNX; the message names it.
    """
    return _parse(read_bytes(path, "an ONNX file"), str(path))


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    if not data:
        raise ModelError(f"{name}: is empty, not an ONNX file")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ModelError(f"{name}: not an ONNX file, or a truncated one") from None
    if not model.ir_version or not model.HasField("graph"):
        raise ModelError(f"{name}: not an ONNX file (it has no graph)")
    return model


def as_proto(model: Any) -> onnx.ModelProto:
    """Give a ModelProto of a path, serialised bytes, ModelProto or onnx_ir model.

    A ModelProto is returned as it is, not copied.

    Raises
    ------
    ModelError
        If it cannot be read.
    InputError
        If it is none of these.
    """
    if isinstance(model, onnx.ModelProto):
        return model
    if isinstance(model, bytes):
        return _parse(model, "model")
    if isinstance(model, (str, os.PathLike)):
        return load_model(model)
    # Importing onnx_ir takes half a second, which sessions of network-level files do without.
    ir = sys.modules.get("onnx_ir")
    if ir is not None and isinstance(model, ir.Model):
        return ir.serde.serialize_model(model)
    raise InputError(f"a model is a path, bytes or a ModelProto, not {type(model).__name__}")


def as_ir(model: Any) -> ir.Model:
    """Give a new onnx_ir model of whatever `as_proto` takes; the argument is never changed."""
    import onnx_ir as ir

    proto = as_proto(model)
    try:
        return ir.serde.deserialize_model(proto)
    except Exception as error:
        raise ModelError(f"{model_name(model)}: not a valid ONNX model: {error}") from error


def model_name(model: Any) -> str:
    """Name of a model in messages: its path where it has one."""
    return str(model) if isinstance(model, (str, os.PathLike)) else "model"


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model to ``path``, whole or not at all.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    data = as_proto(model).SerializeToString()
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
