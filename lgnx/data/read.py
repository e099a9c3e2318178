"""Reading sample files batch by batch."""

from __future__ import annotations

import csv
import itertools
import os
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from lgnx.data.fit import cast_exact
from lgnx.data.formats import check_suffix
from lgnx.ops.errors import InputError, require

_NUMERIC_KINDS = "biuf"
_WORDS = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Reader:
    """Samples of one file.

    Attributes
    ----------
    path
        The file.
    rows
        Number of samples, or None where only reading to the end tells (csv).
    row_shape
        Shape of one sample; None for an empty csv file without a header.
    dtype
        Type of the stored numbers; None for text, which has none.
    flat
        True for tables, whose samples are flat whatever shape the model wants.
    """

    path: Path
    rows: int | None
    row_shape: tuple[int, ...] | None
    dtype: np.dtype | None
    flat: bool
    _source: Any

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """Yield arrays of up to `size` samples; an empty file yields one batch of no samples."""
        if size < 1:
            raise InputError(f"the batch size must be at least 1, not {size}")
        empty = True
        for batch in self._source(size):
            empty = False
            yield batch
        if empty:
            row_shape = (0,) if self.row_shape is None else self.row_shape
            yield np.zeros((0, *row_shape), self.dtype or np.float64)


def open_reader(path: str | os.PathLike[str], *, name: str | None = None) -> Reader:
    """Open a sample file.

    Parameters
    ----------
    path
        A ``.npy``, ``.npz``, ``.csv`` or ``.parquet`` file.
    name
        Which array of an ``.npz`` file to take if it holds several.

    Raises
    ------
    InputError
        If the file is missing, is not what its suffix says, or does not hold numbers.
    MissingExtraError
        If pyarrow is needed and not installed.
    """
    path = Path(path)
    check_suffix(path)
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    open_file = {
        ".npy": _read_npy,
        ".npz": lambda p: _read_npz(p, name),
        ".csv": _read_csv,
        ".parquet": _read_parquet,
    }[path.suffix.lower()]
    return open_file(path)


def _npy_header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read a header of the npy format and check that rows of numbers follow."""
    try:
        version = npy_format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = npy_format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = npy_format.read_array_header_2_0(stream)
        else:
            raise InputError(f"{where}: npy format version {version} is not supported")
    except (ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: not a numpy file ({error})") from None
    if dtype.kind not in _NUMERIC_KINDS:
        raise InputError(f"{where}: holds {dtype}; only bool, integers and floats are allowed")
    if not shape:
        raise InputError(f"{where}: holds a single number, not one sample per row")
    return shape, fortran, dtype


def _npy_batches(
    stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, size: int, where: str
) -> Iterator[np.ndarray]:
    """Yield the batches of a C-ordered array whose header has just been read."""
    row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
    for start in range(0, shape[0], size):
        count = min(size, shape[0] - start)
        try:
            data = stream.read(count * row_bytes)
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise InputError(f"{where}: cannot be read ({error})") from None
        if len(data) != count * row_bytes:
            row = start + len(data) // row_bytes
            raise InputError(f"{where}: truncated, {shape[0]} rows announced, data ends in {row}")
        yield np.frombuffer(data, dtype).reshape(count, *shape[1:])


def _read_npy(path: Path) -> Reader:
    with path.open("rb") as stream:
        shape, fortran, dtype = _npy_header(stream, str(path))
        offset = stream.tell()
    wanted = offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if path.stat().st_size < wanted:
        raise InputError(
            f"{path}: truncated, the header announces {wanted} bytes and the file has "
            f"{path.stat().st_size}"
        )

    def batches(size: int) -> Iterator[np.ndarray]:
        if fortran:  # rows lie apart: let the memory map gather them
            array = np.load(path, mmap_mode="r")
            for start in range(0, shape[0], size):
                yield np.ascontiguousarray(array[start : start + size])
            return
        with path.open("rb") as stream:
            stream.seek(offset)
            yield from _npy_batches(stream, shape, dtype, size, str(path))

    return Reader(path, shape[0], shape[1:], dtype, False, batches)


def _read_npz(path: Path, name: str | None) -> Reader:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
            if len(names) == 1:
                name = names[0]
            elif name not in names:
                held = ", ".join(names) or "nothing"
                raise InputError(
                    f"{path}: holds {held}; one array, or one named {name or 'x'!r}, is needed"
                )
            where = f"{path}[{name}]"
            with archive.open(f"{name}.npy") as stream:
                shape, fortran, dtype = _npy_header(stream, where)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not an npz file, or truncated ({error})") from None

    def batches(size: int) -> Iterator[np.ndarray]:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
            if fortran:  # a compressed stream cannot be read row by row against its order
                array = npy_format.read_array(stream, allow_pickle=False)
                for start in range(0, shape[0], size):
                    yield np.ascontiguousarray(array[start : start + size])
                return
            _npy_header(stream, where)
            yield from _npy_batches(stream, shape, dtype, size, where)

    return Reader(path, shape[0], shape[1:], dtype, False, batches)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip().lower() in _WORDS
    return True


def _read_csv(path: Path) -> Reader:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first = next((line for line in stream if line.strip()), "")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file ({error.reason})") from None
    delimiter = next((d for d in (",", ";", "\t") if d in first), ",")
    cells = next(csv.reader([first], delimiter=delimiter), []) if first else []
    columns = len(cells)
    header = bool(cells) and not any(_is_number(cell) for cell in cells)

    def batches(size: int) -> Iterator[np.ndarray]:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = ((n, line) for n, line in enumerate(stream, 1) if line.strip())
            if header:
                next(lines)
            while chunk := list(itertools.islice(lines, size)):
                yield _parse_csv(chunk, delimiter, columns, path)

    return Reader(path, None, (columns,) if columns else None, None, True, batches)


def _parse_csv(
    chunk: list[tuple[int, str]], delimiter: str, columns: int, path: Path
) -> np.ndarray:
    """Parse numbered lines to int64 where every cell is an integer, else to float64."""
    lines = [line for _, line in chunk]
    options: dict[str, Any] = {"delimiter": delimiter, "ndmin": 2, "quotechar": '"'}
    for convert in (np.int64, np.float64):
        try:
            with warnings.catch_warnings():  # numpy only warns when it cuts 1.5 to 1
                warnings.simplefilter("error")
                array = np.loadtxt(lines, dtype=convert, comments=None, **options)
        except (ValueError, OverflowError, DeprecationWarning):
            continue
        if array.shape == (len(lines), columns):
            return array
    rows = []
    for number, line in chunk:  # slow, but knows what is wrong and where
        cells = next(csv.reader([line], delimiter=delimiter))
        if len(cells) != columns:
            raise InputError(
                f"{path}: line {number} has {len(cells)} columns, the first line has {columns}"
            )
        for column, cell in enumerate(cells, 1):
            if not _is_number(cell):
                raise InputError(f"{path}: line {number}, column {column}: {cell!r} is no number")
        rows.append([float(_WORDS.get(cell.strip().lower(), cell)) for cell in cells])
    return np.array(rows, np.float64).reshape(len(rows), columns)


def _read_parquet(path: Path) -> Reader:
    parquet = require("pyarrow.parquet", extra="parquet")
    arrow = require("pyarrow", extra="parquet")
    try:
        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (arrow.ArrowException, OSError) as error:
        text = str(error).splitlines()[0]
        raise InputError(f"{path}: not a parquet file, or truncated ({text})") from None
    types = []
    for field in schema:
        try:
            kind = arrow.array([], field.type).to_numpy(zero_copy_only=False).dtype
        except (arrow.ArrowException, NotImplementedError, TypeError):
            kind = np.dtype(object)
        if kind.kind not in _NUMERIC_KINDS:
            raise InputError(
                f"{path}: column {field.name!r} holds {field.type}; only bool, integers and "
                f"floats are allowed"
            )
        types.append(kind)
    dtype = np.result_type(*types) if types else np.dtype(np.float64)

    def batches(size: int) -> Iterator[np.ndarray]:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=size):
                array = np.empty((batch.num_rows, len(types)), dtype)
                for index, column in enumerate(batch.columns):
                    where = f"{path}: column {schema.names[index]!r}"
                    if column.null_count:
                        raise InputError(f"{where} has {column.null_count} empty cells")
                    values = column.to_numpy(zero_copy_only=False)
                    array[:, index] = cast_exact(values, dtype, where)
                yield array

    return Reader(path, rows, (len(types),), dtype, True, batches)
