"""The file formats of samples, told by their suffix."""

from __future__ import annotations

from pathlib import Path

from lgnx.ops.errors import InputError

FORMATS = (".npy", ".npz", ".csv", ".parquet")


def check_suffix(path: Path) -> None:
    """Raise InputError if the suffix names no known format."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: the file must end in one of {', '.join(FORMATS)}")
