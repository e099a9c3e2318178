"""How an image enters a streaming design: beat after beat, as the sidecar has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Stream", "StreamLayer", "read_stream"]


@dataclass(frozen=True)
class StreamLayer:
    """A layer that slides over the image: its modules, ``kernels`` None for an OrPool."""

    node: str
    module: str
    window: str
    kernels: str | None


@dataclass(frozen=True)
class Stream:
    """The input of a streaming design.

    Attributes
    ----------
    beats
        Of an image.
    slots
        Lowest bit and width of each place of a feature in a beat.
    tdata_width
        Of the port.
    interval
        Clocks from an image to the next without stalls.
    layers
        In order.
    collector
        Module that gathers the map for the dense layers.
    geometry
        ``input.stream`` of the sidecar.
    """

    beats: int
    slots: tuple[tuple[int, int], ...]
    tdata_width: int
    interval: int
    layers: tuple[StreamLayer, ...]
    collector: str
    geometry: dict[str, Any]

    @cached_property
    def features(self) -> np.ndarray:
        """Feature in each slot of each beat, int64 [beats, slots]; -1 where anything may be."""
        from lgnx.converters.verilog.streaming import beat_features

        return beat_features(self.geometry)

    @cached_property
    def inwards(self) -> np.ndarray:
        """For each feature 0 in a corner of the image, 1 elsewhere on its border, 2 inside."""
        known = self.geometry
        edges = [np.isin(np.arange(n), (0, n - 1)) for n in (known["height"], known["width"])]
        ranks = 2 - np.add.outer(*(edge.astype(np.int64) for edge in edges))
        last = known["layout"] == "channels-last"
        return (
            np.repeat(ranks.ravel(), known["channels"])
            if last
            else np.tile(ranks.ravel(), known["channels"])
        )

    def serialise(self, codes: np.ndarray, seed: int = 0) -> np.ndarray:
        """Turn codes of features [batch, features] into those of slots, [batch, beats, slots].

        Slots that carry nothing get bits at random: a design must not look at them.
        """
        places = self.features
        found = codes[:, places]
        filler = places < 0
        if filler.any():
            rng = np.random.default_rng(seed)
            noise = rng.integers(0, 1 << 8 * codes.itemsize, found[:, filler].shape, np.uint64)
            found[:, filler] = noise.astype(codes.dtype)
        return np.ascontiguousarray(found)


def read_stream(reader: Any, data: dict[str, Any], interval: int) -> Stream:
    """Read and check what a sidecar tells of the stream; ``reader`` is that of `read_rtl`."""
    port = data.get("input")
    given = port.get("stream") if isinstance(port, dict) else None
    if not isinstance(given, dict):
        raise reader.error("input.stream", given, "an object in a streaming design")
    inner = data.get("streaming")
    if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
        raise reader.error("streaming", inner, "an object with a list 'layers'")
    slots, width = given.get("slots"), reader.integer(given, "tdata_width", 1, 1 << 31)
    if not isinstance(slots, list) or not all(
        isinstance(s, list) and len(s) == 2 and all(type(n) is int and n >= 0 for n in s)
        for s in slots
    ):
        raise reader.error("input.stream.slots", slots, "a list of [lowest bit, width]")
    ends = [0, *(low + size for low, size in slots)]
    if [low for low, _ in slots] != ends[:-1] or ends[-1] > width:
        raise reader.error("input.stream.slots", slots, "bits of tdata, one behind the other")
    collector = inner.get("collector")
    if not isinstance(collector, dict):
        raise reader.error("streaming.collector", collector, "an object")
    layers = []
    for i, layer in enumerate(inner["layers"]):
        prefix = f"streaming.layers[{i}]."
        if not isinstance(layer, dict):
            raise reader.error(prefix[:-1], layer, "an object")
        names = {key: reader.name(layer, key, prefix) for key in ("module", "window")}
        kernels = reader.name(layer, "kernels", prefix) if layer.get("kernels") else None
        layers.append(StreamLayer(str(layer.get("node", "")), **names, kernels=kernels))
    return Stream(
        beats=reader.integer(given, "beats", 1, 1 << 40, "input.stream."),
        slots=tuple((low, size) for low, size in slots),
        tdata_width=width,
        interval=interval,
        layers=tuple(layers),
        collector=reader.name(collector, "module", "streaming.collector."),
        geometry=given,
    )
