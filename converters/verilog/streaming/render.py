"""From a plan to the text of Verilog modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.verilog.folder import BUILD
from lgnx.converters.verilog.interface import Interface
from lgnx.converters.verilog.render import Module, encoder_assignments
from lgnx.converters.verilog.streaming.collector import Collected, collect_beats, collect_map
from lgnx.converters.verilog.streaming.layers import Layer, kernel_stages, live_inputs
from lgnx.converters.verilog.streaming.plan import Plan
from lgnx.converters.verilog.streaming.timing import sliced
from lgnx.converters.verilog.streaming.window import split_values, window_values
from lgnx.converters.verilog.streaming.wiring import concatenation
from lgnx.ops.errors import require

__all__ = ["StreamDesign"]


@dataclass
class StreamDesign:
    """A plan with everything that decides its Verilog.

    Attributes
    ----------
    every
        Levels of logic between registers inside kernels.
    outputs_width
        Bits of the result's beat, a multiple of 8.
    """

    plan: Plan
    every: int
    interface: Interface
    outputs_width: int
    top: str
    modules: list[Module] = field(default_factory=list)

    @property
    def collected(self) -> Collected:
        """What the collector keeps."""
        return (collect_map if self.plan.layers else collect_beats)(self.plan)

    def render(self) -> dict[str, str]:
        """Text of every file apart from those of the tail; fills ``modules``."""
        jinja2 = require("jinja2", extra="rtl")
        environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(_template),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
        )
        common = {"version": lgnx.__version__, "build": BUILD, "w": self.interface.words()}
        files: dict[str, str] = {}

        def make(
            name: str, template: str, what: str, role: str, stage: int | None = None, **values: Any
        ) -> None:
            text = environment.get_template(template).render(
                **common, top=self.top, name=name, what=what, **values
            )
            files[name + self.interface.suffix] = text
            self.modules.append(Module(name, role, stage))

        self.modules.clear()
        plan, top = self.plan, self.top
        what = "Register slice: takes one more beat when the receiver stops."
        make(f"{top}_slice", "slice.v.j2", what, "static")
        if any(_line(layer) for layer in plan.layers):
            what = "Line buffer: gives what it was given DEPTH steps ago."
            make(f"{top}_line", "line.v.j2", what, "static")
        parts = plan.stream["beats_per_pixel_group"]
        if plan.layers and parts > 1:
            what = f"Gathers {parts} beats that hold the channels of one group of pixels."
            values = {"parts": parts, "width": self._n_in, "bits": (parts - 1).bit_length()}
            make(f"{top}_fold", "fold.v.j2", what, "static", **values)
        encoder = plan.encoder
        if encoder is not None and encoder.bits:
            make(
                f"{top}_encoder",
                "encoder.v.j2",
                "Bits of one pixel.",
                "encoder",
                n_in=encoder.offsets[-1],
                n_bits=len(encoder.bits),
                assignments=encoder_assignments(encoder),
                unused=True,
            )
        for number, layer in enumerate(plan.layers):
            self._layer(make, number, layer)
        collected = self.collected
        make(
            f"{top}_collector",
            "collector.v.j2",
            f"Keeps what the tail reads of the {collected.beats} beats of an image.",
            "collector",
            s_width=collected.s_width,
            m_width=collected.m_width,
            beats=collected.beats,
            bits=max(1, (collected.beats - 1).bit_length()),
            resets=[("full", "1'b0"), *self._counter("beat", collected.beats)],
            parts=[
                {"number": n, "width": len(bits), "bits": concatenation("s_data", bits)}
                for n, bits in collected.parts.items()
            ],
            assigns=collected.assigns(),
        )
        self._top(make)
        return files

    @property
    def _n_in(self) -> int:
        """Bits of a beat."""
        lowest, width = self.plan.stream["slots"][-1]
        return int(lowest + width)

    @staticmethod
    def _counter(name: str, count: int) -> list[tuple[str, str]]:
        return [(name, f"{(count - 1).bit_length()}'d0")] if count > 1 else []

    def _layer(self, make: Any, number: int, layer: Layer) -> None:
        name, part = f"{self.top}_layer{number}", layer.kernels
        channels_in, channels_out = len(part.kept_in), len(part.kept_out)
        window = window_values(layer)
        columns = layer.geometry.columns
        split = layer.positions < layer.positions_in
        if split:
            what = f"Cuts beats of {layer.positions_in} pixels into beats of {layer.positions}."
            make(f"{name}_split", "split.v.j2", what, "static", **split_values(layer))
        pool = part.netlist is None
        what = f"Windows of {part.node.kernel_shape[0]} x {part.node.kernel_shape[1]} bits"
        what += ", and the OR of each." if pool else ", dilated ones with their gaps."
        make(f"{name}_window", "window.v.j2", what, "window", **window)
        registers = 0
        if part.netlist is not None:
            stages = kernel_stages(layer, self.every)
            registers = max(0, len(stages) - 1)
            for s, stage in enumerate(stages):
                what = f"Kernels of layer {number}, stage {s}: {stage.gates} gates."
                make(f"{name}_stage{s}", "stage.v.j2", what, "logic", s, logic=stage, lanes=True)
            constants = "".join(str(bit) for bit in reversed((part.netlist.outputs & 1).tolist()))
            read = live_inputs(part.netlist).tolist()
            make(
                f"{name}_kernels",
                "kernels.v.j2",
                f"{channels_out} kernels at one position.",
                "kernels",
                prefix=name,
                n_in=part.netlist.n_inputs,
                n_out=channels_out,
                stages=stages,
                n_bits=len(read),
                bits=concatenation("x", read),
                constants="" if stages else f"{channels_out}'b{constants}",
            )
        make(
            name,
            "layer.v.j2",
            self._what(layer),
            "layer",
            s_width=layer.positions_in * channels_in,
            m_width=layer.positions_out * channels_out,
            split=split,
            part_width=layer.positions * channels_in,
            window_width=window["m_width"],
            kernels=not pool,
            registers=registers,
            windows=columns.windows,
            stride=columns.stride * window["height"],
            kernel_width=layer.geometry.kernel_columns * window["height"],
            channels=channels_out,
            slice=sliced(self.plan.layers, number),
        )

    @staticmethod
    def _what(layer: Layer) -> str:
        node, (rows, columns) = layer.kernels.node, layer.kernels.node.kernel_shape
        _, height, width = node.shape
        out = f"{layer.geometry.rows.out} x {layer.geometry.columns.out}"
        return (
            f"{node.op} of {rows} x {columns} windows: {height} x {width} pixels of "
            f"{len(layer.kernels.kept_in)} bits to {out} of {len(layer.kernels.kept_out)}."
        )

    def _top(self, make: Any) -> None:
        plan, stream, collected = self.plan, self.plan.stream, self.collected
        pixels, literals, channels = [], [], 0
        if plan.encoder is not None:
            channels = len(plan.layers[0].kernels.kept_in)
            vector = "group_data" if stream["beats_per_pixel_group"] > 1 else "beat_data"
            for position in range(stream["positions_per_beat"]):
                pixels.append(concatenation(vector, self._pixel_bits(position)))
                literals.append(_literals(plan.encoder.netlist.outputs, f"encoded{position}"))
        layers = [
            {
                "what": self._what(layer),
                "s_width": layer.positions_in * len(layer.kernels.kept_in),
                "m_width": layer.positions_out * len(layer.kernels.kept_out),
            }
            for layer in plan.layers
        ]
        collects = (
            "The map, and the network behind it." if layers else "The image, and its network."
        )
        make(
            self.top,
            "top.v.j2",
            f"Images as a stream of {stream['beats']} beats, with one beat of results for each.",
            "top",
            s_width=stream["tdata_width"],
            n_in=self._n_in,
            m_width=self.outputs_width,
            beats=stream["beats"],
            bits=max(1, (stream["beats"] - 1).bit_length()),
            resets=[("misplaced", "1'b0"), *self._counter("beat", stream["beats"])],
            parts=stream["beats_per_pixel_group"],
            layers=layers,
            n_bits=len(plan.encoder.bits) if plan.encoder else 0,
            pixels=pixels,
            literals=literals,
            channels=channels,
            collects=collects,
            n_map=collected.m_width,
            map_padding=-collected.m_width % 8,
        )

    def _pixel_bits(self, position: int) -> list[int]:
        """Bits of a group of pixels that are the features of one of them."""
        stream, encoder = self.plan.stream, self.plan.encoder
        assert encoder is not None
        many = stream["channels_per_beat"]
        bits: list[int] = []
        for channel, port in enumerate(encoder.ports):
            part, place = divmod(channel, many)
            first = part * self._n_in + stream["slots"][position * many + place][0]
            bits += range(first, first + port.width)
        return bits


def _line(layer: Layer) -> bool:
    return layer.geometry.stored_rows > 0


def _literals(outputs: np.ndarray, vector: str) -> list[str]:
    """Parts of a concatenation of literals of an encoder's bits, the first one last."""
    named = []
    for literal in reversed(outputs.tolist()):
        if literal < 2:
            named.append(f"1'b{literal}")
        else:
            named.append(f"{'~' if literal & 1 else ''}{vector}[{(literal >> 1) - 1}]")
    return [", ".join(named[i : i + 8]) for i in range(0, len(named), 8)]


def _template(name: str) -> str:
    """Text of a template: of this folder, else of the designs without a stream."""
    for folder in ("streaming/templates", "templates"):
        found = resources.files("lgnx.converters.verilog").joinpath(folder).joinpath(name)
        if found.is_file():
            return found.read_text("utf-8")
    raise FileNotFoundError(name)
