"""Which bits of a sample the windows of a convolution or a pooling hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PADDING = -1


def window_sources(
    channels: int,
    spatial: Sequence[int],
    kernel_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    *,
    transpose: bool = False,
) -> np.ndarray:
    """Number the bits that windows hold at every position of the output.

    The attributes are those of LogicConv, or of LogicConvTranspose with ``transpose``.

    Parameters
    ----------
    channels
        Channels of the input, C.
    spatial
        Extents D_1 .. D_d of its spatial axes.
    transpose
        The input is spread out by its strides first, and the windows then move by 1.

    Returns
    -------
    numpy.ndarray
        int64 [C, w_1 .. w_d, E_1 .. E_d], a read-only view: the bit of the flattened input [C,
        D_1 .. D_d] that lies at a place of the window at a position of the output; `PADDING` (-1)
        where that is padding, or lies between spread bits, so its value is 0.
    """
    d = len(kernel_shape)
    strides, dilations = strides or [1] * d, dilations or [1] * d
    pads, added = pads or [0] * (2 * d), output_padding or [0] * d
    reach = [n * (w - 1) for w, n in zip(kernel_shape, dilations, strict=True)]
    n_bits = channels * int(np.prod(spatial, dtype=np.int64))
    bits: np.ndarray = np.arange(n_bits, dtype=np.int64).reshape(channels, *spatial)
    around = list(zip(pads[:d], pads[d:], strict=True))
    if transpose:
        spread = np.full(
            (channels, *((n - 1) * s + 1 for n, s in zip(spatial, strides, strict=True))),
            PADDING,
            np.int64,
        )
        every = (slice(None), *(slice(None, None, s) for s in strides))
        spread[every] = bits
        bits = spread
        around = [
            (r - begin, r - end + more)
            for r, (begin, end), more in zip(reach, around, added, strict=True)
        ]
        strides = [1] * d
    padded = np.pad(bits, [(0, 0), *around], constant_values=PADDING)
    axes = tuple(range(1, d + 1))
    # Axes of the view: channels, positions, places of the window with those in its gaps.
    views = np.lib.stride_tricks.sliding_window_view(padded, [r + 1 for r in reach], axes)
    steps = (slice(None), *(slice(None, None, n) for n in (*strides, *dilations)))
    return views[steps].transpose(0, *range(d + 1, 2 * d + 1), *axes)


def leaf_sources(indices: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Take from `window_sources` what the leaves of trees read.

    Parameters
    ----------
    indices
        Integer [K, leaves], bits of the window, channel first.
    sources
        int64 [C, w_1 .. w_d, E_1 .. E_d].

    Returns
    -------
    numpy.ndarray
        int64 [K, leaves, E_1 .. E_d].
    """
    d = (sources.ndim - 1) // 2
    return sources[np.unravel_index(indices.astype(np.int64), sources.shape[: d + 1])]
