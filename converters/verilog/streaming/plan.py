"""What a streaming design consists of, before its text is written."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lgnx.converters.verilog.encoder import Encoder, encode, feature_names, input_formats
from lgnx.converters.verilog.fixed_point import FixedPoint
from lgnx.converters.verilog.input_spec import feature_formats
from lgnx.converters.verilog.streaming.beats import stream_of
from lgnx.converters.verilog.streaming.layers import (
    Kernels,
    Layer,
    layer_kernels,
    live_inputs,
    place_layers,
)
from lgnx.converters.verilog.streaming.prefix import Prefix, find_prefix
from lgnx.converters.verilog.write import digest
from lgnx.metadata import FEATURE_NAMES
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network

__all__ = ["Plan", "plan_stream"]

Source = str | os.PathLike[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """A model cut into encoder, streamed layers and tail.

    Attributes
    ----------
    network
        What tells of the model's input and metadata; of its netlist nothing is used.
    forms, ports
        Formats of the features, and of what the port carries of them.
    stream
        ``input.stream`` of the sidecar.
    pixel
        Network whose inputs are the features of one pixel and whose outputs are the bits that the
        first layer reads; None where nothing is streamed.
    encoder
        Of the pixel.
    layers
        Streamed layers; none where the image is collected as it comes.
    tail
        The network behind them: of the map that the last layer gives, pixel by pixel; or the
        whole model's.
    map_shape
        Channels, height and width of what is collected.
    warnings
        What a user should know.
    """

    network: Network
    forms: tuple[FixedPoint, ...]
    ports: tuple[FixedPoint, ...]
    stream: dict[str, Any]
    pixel: Network | None
    encoder: Encoder | None
    layers: tuple[Layer, ...]
    tail: Network
    map_shape: tuple[int, int, int]
    warnings: tuple[str, ...] = ()

    def digest(self) -> str:
        """SHA-256 of what is computed: of kernels, where they stand, and of the tail."""
        result = hashlib.sha256()
        if self.pixel is not None:
            result.update(digest(self.pixel.netlist).encode())
        for layer in self.layers:
            node = layer.kernels.node
            place = [
                *(node.op, node.shape, node.kernel_shape, node.strides, node.pads),
                *(node.dilations, layer.kernels.kept_in, layer.kernels.kept_out),
            ]
            result.update(json.dumps(place).encode())
            if layer.kernels.netlist is not None:
                result.update(digest(layer.kernels.netlist).encode())
        result.update(digest(self.tail.netlist).encode())
        return result.hexdigest()

    def with_positions(self, positions: int, channels: int | None) -> Plan:
        """The same with other folding factors.

        Raises
        ------
        InputError
            If the stream does not have so many.
        """
        old = self.stream
        shape = (old["channels"], old["height"], old["width"])
        widths = [port.width for port in self.ports]
        stream = stream_of(shape, old["layout"], positions, channels, widths)
        layers = place_layers([layer.kernels for layer in self.layers], positions)
        return replace(self, stream=stream, layers=tuple(layers))


def plan_stream(
    model: Any,
    *,
    input_format: Source | None = None,
    port_format: Source | None = None,
    positions_per_cycle: int = 1,
    channels_per_cycle: int | None = None,
) -> Plan:
    """Cut a model into what is streamed and what is not.

    The longest chain of LogicConv and OrPool from the input on is streamed, if all pixels of the
    image are encoded in the same way. What follows is one network on the map that the chain gives.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model.
    input_format, port_format
        See `lgnx.converters.verilog.write.write_rtl`.
    positions_per_cycle
        Pixels of a row that come in a beat.
    channels_per_cycle
        Channels that come in a beat; by default all.

    Raises
    ------
    ModelError
        If the model is not valid, or has something that is no logic network.
    InputError
        If a format is missing or does not fit, or there are not so many pixels or channels.
    """
    prefix = find_prefix(model)
    warnings: list[str] = []
    if prefix is not None:
        plan = _streamed(prefix, input_format, port_format)
        if isinstance(plan, Plan):
            return plan.with_positions(positions_per_cycle, channels_per_cycle)
        warnings.append(f"no layer is streamed: {plan}")
    network = Network.from_model(model)
    forms, ports = _formats(network, input_format, port_format)
    shape = _image(network.input_shape)
    return Plan(
        network=network,
        forms=forms,
        ports=ports,
        stream={"channels": shape[0], "height": shape[1], "width": shape[2]}
        | {"layout": "channels-first"},
        pixel=None,
        encoder=None,
        layers=(),
        tail=network,
        map_shape=shape,
        warnings=tuple(warnings),
    ).with_positions(positions_per_cycle, channels_per_cycle)


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Channels, height and width of a sample of any rank."""
    if len(shape) < 2:
        return (int(np.prod(shape, dtype=np.int64)), 1, 1)
    return (shape[0], int(np.prod(shape[1:-1], dtype=np.int64)), shape[-1])


def _formats(
    network: Network, input_format: Source | None, port_format: Source | None
) -> tuple[tuple[FixedPoint, ...], tuple[FixedPoint, ...]]:
    names = feature_names(network)
    forms = input_formats(network, input_format, names)
    if not port_format:
        return forms, forms
    return forms, feature_formats(port_format, network.features, names, "port format")


def _streamed(
    prefix: Prefix, input_format: Source | None, port_format: Source | None
) -> Plan | str:
    """The plan, or why nothing can be streamed."""
    front = prefix.front
    forms, ports = _formats(front, input_format, port_format)
    found = _pixel(prefix, forms, ports)
    if isinstance(found, str):
        return found
    pixel, layout, shape, first = found
    read = live_inputs(prefix.tail.netlist)
    kept = np.unique(read % prefix.map_shape[0]).tolist() if len(read) else [0]
    kernels = layer_kernels(prefix.nodes, kept)
    pixel = replace(pixel, netlist=_outputs(pixel.netlist, kernels[0]))
    encoder = encode(
        pixel,
        {"features": {str(i): str(forms[f]) for i, f in enumerate(first)}},
        {"features": {str(i): str(ports[f]) for i, f in enumerate(first)}},
    )
    return Plan(
        network=front,
        forms=forms,
        ports=ports,
        stream={"channels": shape[0], "height": shape[1], "width": shape[2], "layout": layout},
        pixel=pixel,
        encoder=encoder,
        layers=tuple(place_layers(kernels, 1)),
        tail=prefix.tail,
        map_shape=prefix.map_shape,
        warnings=tuple(encoder.warnings),
    )


def _outputs(netlist: Netlist, kernels: Kernels) -> Netlist:
    """The netlist with the channels that are streamed as its only outputs."""
    return replace(netlist, outputs=netlist.outputs[list(kernels.kept_in)])


def _pixel(
    prefix: Prefix, forms: tuple[FixedPoint, ...], ports: tuple[FixedPoint, ...]
) -> tuple[Network, str, tuple[int, int, int], list[int]] | str:
    """The network of one pixel, order and shape of the image, and features of its first pixel."""
    front = prefix.front
    wanted, height, width = prefix.nodes[0].shape
    channels, more = divmod(front.features, height * width)
    if more or front.netlist.n_nodes:
        return "its first layer does not read the pixels of the image one by one"
    numbers: np.ndarray = np.arange(front.features).reshape(channels, height, width)
    orders = {
        "channels-first": numbers,
        "channels-last": numbers.reshape(height, width, channels).transpose(2, 0, 1),
    }
    bits = 1 if front.thresholds is None else front.thresholds.shape[1]
    literals = (front.netlist.outputs ^ 1).reshape(wanted, height, width).astype(np.int64)
    inputs = np.maximum((literals >> 1) - 1, 0)
    for layout, features in orders.items():
        places = np.empty(front.features, np.int64)  # channel, then pixel, of each feature
        places[features.reshape(channels, -1).ravel()] = np.arange(front.features)
        channel, pixel = np.divmod(places[inputs // bits], height * width)
        constant = literals < 2
        here = np.arange(height * width).reshape(height, width)
        if not ((pixel == here) | constant).all():
            continue
        alike = np.where(
            constant, literals, 2 * (channel * bits + inputs % bits + 1) + literals % 2
        )
        if (alike != alike[:, :1, :1]).any():
            continue
        first = features[:, 0, 0].tolist()
        same = features.reshape(channels, -1)
        table = front.thresholds
        if table is not None:
            if (table[same] != table[same[:, :1]]).any():
                return "its thresholds differ between pixels"
            table = table[first]
        if any(len({(forms[f], ports[f]) for f in row}) > 1 for row in same.tolist()):
            return "the formats of a channel differ between pixels"
        kept = {k: v for k, v in front.metadata.items() if k != FEATURE_NAMES}
        pixel_network = replace(
            front,
            input_shape=(channels,),
            thresholds=table,
            netlist=Netlist(
                channels * bits,
                np.zeros(0, np.uint8),
                np.zeros((0, 2), np.uint32),
                alike[:, 0, 0].astype(np.uint32),
            ),
            metadata=kept,
        )
        return pixel_network, layout, (channels, height, width), first
    return "its first layer does not read the pixels of the image one by one"
