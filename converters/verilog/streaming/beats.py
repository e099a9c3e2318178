"""How a sample is cut into the beats of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lgnx.ops.errors import InputError

__all__ = ["beat_features", "stream_of"]

FILLER = -1


def stream_of(
    shape: tuple[int, int, int],
    layout: str,
    positions: int,
    channels: int | None,
    widths: Sequence[int],
) -> dict[str, Any]:
    """Describe a stream, as the sidecar has it.

    Parameters
    ----------
    shape
        Channels, height and width of a sample.
    layout
        ``"channels-first"`` or ``"channels-last"``: the order of the features of a sample.
    positions, channels
        Pixels of a row, and channels, that a beat holds; None for all channels.
    widths
        Bits of each feature.

    Raises
    ------
    InputError
        If there are not so many.
    """
    c, height, width = shape
    channels = c if channels is None else channels
    for what, given, most in (("positions", positions, width), ("channels", channels, c)):
        if not 1 <= given <= most:
            raise InputError(f"{what} per cycle: {given}, must be from 1 to {most}")
    stream = {
        "channels": c,
        "height": height,
        "width": width,
        "layout": layout,
        "positions_per_beat": positions,
        "channels_per_beat": channels,
        "beats_per_pixel_group": -(-c // channels),
        "row_beats": -(-width // positions),
        "beats": height * -(-width // positions) * -(-c // channels),
    }
    features = beat_features(stream)
    bits = np.append(np.asarray(widths, np.int64), 0)[features].max(axis=0)
    ends = np.cumsum(bits)
    slots = np.stack([ends - bits, bits], axis=1).tolist()
    return stream | {"slots": slots, "tdata_width": -(-int(ends[-1]) // 8) * 8}


def beat_features(stream: Mapping[str, Any]) -> np.ndarray:
    """Tell which feature each slot of each beat carries.

    Rows come from the top, in them groups of pixels from the left, in these groups of channels.
    Slot p * channels_per_beat + i holds channel i of the group, of pixel p.

    Parameters
    ----------
    stream
        ``input.stream`` of the sidecar.

    Returns
    -------
    numpy.ndarray
        int64 [beats, slots], numbers of features of the flattened sample; -1 for a slot that
        carries none, whose value does not count.
    """
    c, height, width = stream["channels"], stream["height"], stream["width"]
    positions, channels = stream["positions_per_beat"], stream["channels_per_beat"]
    features: np.ndarray = np.arange(c * height * width, dtype=np.int64)
    if stream["layout"] == "channels-last":
        features = features.reshape(height, width, c)
    else:
        features = features.reshape(c, height, width).transpose(1, 2, 0)
    more = ((0, 0), (0, -width % positions), (0, -c % channels))
    padded = np.pad(features, more, constant_values=FILLER)
    parts = padded.reshape(height, -1, positions, stream["beats_per_pixel_group"], channels)
    return parts.transpose(0, 1, 3, 2, 4).reshape(-1, positions * channels)
