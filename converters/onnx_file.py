"""ONNX files, as one of the formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lgnx.converters.formats import Format
from lgnx.files import load_model, save_model

__all__ = ["FORMAT"]


def _write(model: Any, path: Path) -> list[Path]:
    save_model(model, path)
    return [path]


FORMAT = Format(
    name="onnx",
    title="ONNX with the operators of lgnx.ops",
    suffixes=(".onnx",),
    read=load_model,
    write=_write,
    reads="the model as it is",
    writes="the model as it is",
    python="lgnx.load(path), lgnx.save(model, path)",
)
