"""Sample files, read and written in batches, so that a file larger than memory passes through.

A sample file holds one sample per row: ``.npy``, ``.npz`` (one array per name), ``.csv`` and
``.parquet`` (one number per column). The array formats keep the shape of a sample; the table
formats hold it flat, and :func:`fit_batch` gives it the shape that a model wants.
"""

from __future__ import annotations

from lgnx.data.fit import cast_exact, fit_batch
from lgnx.data.formats import FORMATS
from lgnx.data.read import Reader, open_reader
from lgnx.data.write import Writer, open_writer

__all__ = ["FORMATS", "Reader", "Writer", "cast_exact", "fit_batch", "open_reader", "open_writer"]
