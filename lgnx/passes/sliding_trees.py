"""Trees of truth tables that slide over words, as the convolutions have them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.trees import build_trees
from lgnx.passes.bitwise_gates import emit_gates, simplified_gates
from lgnx.passes.edit import Inserter
from lgnx.passes.words import WORDS, leading, shaped


def slide_trees(
    insert: Inserter,
    words: ir.Value,
    indices: np.ndarray,
    tables: np.ndarray,
    depth: int,
    kernel_shape: Sequence[int],
    dilations: Sequence[int],
    corners: Sequence[np.ndarray],
) -> ir.Value:
    """Evaluate trees over windows of padded words.

    One Gather takes the bits of the window that some leaf reads, U of them, at all E positions;
    its index is the sum of a column of U offsets and a row of E corners, which is all that is
    stored. Each gate then works on all positions at once.

    Parameters
    ----------
    words
        uint64 [C, P_1 .. P_d, W], P the extents with their padding.
    indices, tables, depth, kernel_shape, dilations
        As of LogicConv.
    corners
        Along each spatial axis, where the windows begin.

    Returns
    -------
    onnx_ir.Value
        uint64 [K, E, W].
    """
    volume = leading(words)
    leaves, compact = np.unique(indices, return_inverse=True)
    channel, *places = np.unravel_index(leaves.astype(np.int64), (volume[0], *kernel_shape))
    steps = [place * n for place, n in zip(places, dilations, strict=True)]
    offsets = np.ravel_multi_index((channel, *steps), tuple(volume))
    starts = np.ravel_multi_index(np.meshgrid(*corners, indexing="ij"), tuple(volume[1:])).ravel()
    rows = int(np.prod(volume, dtype=np.int64))
    kind = np.int32 if rows <= np.iinfo(np.int32).max else np.int64
    index = insert.op(
        "Add",
        [
            insert.constant("offsets", offsets.astype(kind)[:, None]),
            insert.constant("corners", starts.astype(kind)[None]),
        ],
        dtype=ir.DataType.from_numpy(np.dtype(kind)),
        shape=[len(offsets), len(starts)],
    )
    bits = insert.op(
        "Gather",
        [shaped(insert, words, [rows]), index],
        {"axis": 0},
        dtype=WORDS,
        shape=[len(offsets), len(starts), None],
    )
    builder = NetlistBuilder(len(leaves))
    literals = builder.inputs()[compact.reshape(indices.shape)]
    roots = build_trees(builder, literals[..., None], tables, depth)
    return emit_gates(insert, bits, simplified_gates(builder.finish(roots)))
