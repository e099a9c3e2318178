"""Writing sample files batch by batch; a file appears whole or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from lgnx.data.formats import check_suffix
from lgnx.files import atomic_path
from lgnx.ops.errors import InputError, require


class _NpyStream:
    """One npy file that grows; its header gets the row count when the file is closed."""

    _HEADER = 256  # bytes; a multiple of 64, as the format wants, with room for any shape

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(bytes(self._HEADER))
        self._rows = 0
        self._row_shape: tuple[int, ...] = ()
        self._dtype = np.dtype(np.float64)

    def write(self, batch: np.ndarray) -> None:
        self._row_shape, self._dtype = batch.shape[1:], batch.dtype
        self._rows += len(batch)
        self._file.write(np.ascontiguousarray(batch).data)

    def close(self) -> None:
        shape = (self._rows, *self._row_shape)
        descr = npy_format.dtype_to_descr(self._dtype)
        text = repr({"descr": descr, "fortran_order": False, "shape": shape})
        room = self._HEADER - npy_format.MAGIC_LEN - 2
        if len(text) >= room:
            raise InputError(f"a sample of {len(self._row_shape)} axes does not fit an npy header")
        self._file.seek(0)
        self._file.write(npy_format.magic(1, 0) + room.to_bytes(2, "little"))
        self._file.write((text.ljust(room - 1) + "\n").encode("latin1"))
        self._file.close()

    def abort(self) -> None:
        self._file.close()


class Writer(AbstractContextManager["Writer"]):
    """Writes named outputs batch by batch; the file appears only when all went well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._stack = ExitStack()
        self._parts: dict[str, _NpyStream] = {}
        self._temporary = path
        self._text: IO[str] | None = None
        self._parquet: Any = None

    def __enter__(self) -> Writer:
        self._temporary = Path(self._stack.enter_context(atomic_path(self.path)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._release()
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._release()
        return self._stack.__exit__(kind, error, trace)

    def write(self, outputs: dict[str, np.ndarray]) -> None:
        """Append one batch of every output, each [B, ...]."""
        suffix = self.path.suffix.lower()
        if suffix in (".npy", ".npz"):
            for name, batch in outputs.items():
                if name not in self._parts:
                    self._parts[name] = _NpyStream(self._part_path(name))
                self._parts[name].write(batch)
        elif suffix == ".csv":
            self._write_csv(outputs)
        else:
            self._write_parquet(outputs)
        self.rows += len(next(iter(outputs.values())))

    def _part_path(self, name: str) -> Path:
        if self.path.suffix.lower() == ".npy":
            return self._temporary
        return self._temporary.with_name(f"{self._temporary.name}.{len(self._parts)}")

    def _write_csv(self, outputs: dict[str, np.ndarray]) -> None:
        if self._text is None:
            self._text = self._temporary.open("w", encoding="utf-8")
            names = [name for name, _ in _columns(outputs)]
            self._text.write(",".join(names) + "\n")
        # numpy's text of a number is the shortest that reads back as the same number.
        table = [column.astype(str).tolist() for _, column in _columns(outputs)]
        self._text.writelines(",".join(row) + "\n" for row in zip(*table, strict=True))

    def _write_parquet(self, outputs: dict[str, np.ndarray]) -> None:
        arrow = require("pyarrow", extra="parquet")
        table = arrow.table(dict(_columns(outputs)))
        if self._parquet is None:
            parquet = require("pyarrow.parquet", extra="parquet")
            self._parquet = parquet.ParquetWriter(self._temporary, table.schema)
        self._parquet.write_table(table)

    def _finish(self) -> None:
        for part in self._parts.values():
            part.close()
        if self.path.suffix.lower() == ".npz":
            with zipfile.ZipFile(self._temporary, "w", zipfile.ZIP_STORED) as archive:
                for index, name in enumerate(self._parts):
                    part_path = self._temporary.with_name(f"{self._temporary.name}.{index}")
                    archive.write(part_path, f"{name}.npy")

    def _release(self) -> None:
        for index, part in enumerate(self._parts.values()):
            part.abort()
            if self.path.suffix.lower() == ".npz":
                self._temporary.with_name(f"{self._temporary.name}.{index}").unlink()
        if self._text is not None:
            self._text.close()
        if self._parquet is not None:
            self._parquet.close()


def _columns(outputs: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the named columns of a table that holds every output flat, one sample per row."""
    for name, batch in outputs.items():
        if batch.ndim == 1:
            yield name, batch.astype(np.uint8) if batch.dtype == np.bool_ else batch
            continue
        width = int(np.prod(batch.shape[1:], dtype=np.int64))
        flat = batch.reshape(len(batch), width)
        for index in range(width):
            column = np.ascontiguousarray(flat[:, index])
            yield f"{name}_{index}", column.astype(np.uint8) if column.dtype == bool else column


def open_writer(path: str | os.PathLike[str], outputs: Sequence[str]) -> Writer:
    """Return a writer of sample files, to be used in a ``with`` statement.

    Parameters
    ----------
    path
        The file to write; its suffix decides the format. csv and parquet files hold one number
        per column, bits as 0 and 1.
    outputs
        Names of what will be written; an npy file takes one only.

    Raises
    ------
    InputError
        If the suffix is unknown, its folder does not exist, or an npy file should take several.
    MissingExtraError
        If pyarrow is needed and not installed.
    """
    path = Path(path)
    check_suffix(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist")
    if path.suffix.lower() == ".parquet":
        require("pyarrow.parquet", extra="parquet")
    if path.suffix.lower() == ".npy" and len(outputs) != 1:
        raise InputError(
            f"{path}: an npy file holds one array and the model gives {', '.join(outputs)}; "
            f"choose one output or write an .npz file"
        )
    return Writer(path)
