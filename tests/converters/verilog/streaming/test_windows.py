"""Windows, line buffers, padding and folding, simulated by Icarus against the numpy reference."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.verilog.streaming import write_streaming
from lgnx.ops.logic_conv import extent, logic_conv
from lgnx.ops.or_pool import or_pool
from tests.conftest import ModelMaker
from tests.converters.verilog.streaming.icarus import simulate


@dataclass
class Case:
    """Layers, how they are folded, and the result of the numpy reference."""

    model: onnx.ModelProto
    x: np.ndarray
    expected: np.ndarray
    positions: int
    channels: int | None
    levels: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """One to three layers over one or two spatial axes."""
    d = draw(st.integers(1, 2))
    channels = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, 9)) for _ in range(d)]
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    make = ModelMaker(channels, *sizes)
    x = rng.random((3, channels, *sizes)) < 0.4
    y, value = x, "x"
    for pool in draw(st.lists(st.booleans(), min_size=1, max_size=3)):
        kernel = [draw(st.integers(1, 3)) for _ in range(d)]
        dilations = [1 if pool else draw(st.integers(1, 2)) for _ in range(d)]
        pads = [draw(st.integers(0, w - 1 if pool else 5)) for w in (*kernel, *kernel)]
        a: dict[str, Any] = {
            "kernel_shape": kernel,
            "strides": [draw(st.integers(1, 4)) for _ in range(d)],
            "pads": pads,
        }
        extents = [
            extent(y.shape[2 + i], kernel[i], a["strides"][i], pads[i], pads[d + i], dilations[i])
            for i in range(d)
        ]
        if min(extents) < 1:
            continue
        if pool:
            value, y = make.op("OrPool", value, **a), or_pool(y, **a)
            continue
        names = make.trees(y.shape[1] * int(np.prod(kernel)), draw(st.integers(1, 4)), 2, 2, rng)
        trees = [onnx.numpy_helper.to_array(t) for t in make.constants[-2:]]
        a |= {"dilations": dilations, "depth": 2}
        value, y = make.op("LogicConv", value, *names, **a), logic_conv(y, *trees, **a)
    return Case(
        model=make.model(make.op("Flatten", value, axis=1)),
        x=x,
        expected=y.reshape(len(y), -1),
        positions=draw(st.integers(1, sizes[-1])),
        channels=draw(st.none() | st.integers(1, channels)),
        levels=draw(st.integers(1, 3)),
    )


@settings(max_examples=8, deadline=None, derandomize=True)
@given(cases())
def test_any_layers_give_the_references_bits_in_time_whatever_stalls_them(case: Case) -> None:
    codes = case.x.reshape(len(case.x), -1).astype(int)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "rtl"
        sidecar = write_streaming(
            case.model,
            folder,
            positions_per_cycle=case.positions,
            channels_per_cycle=case.channels,
            stages_every=case.levels,
        )
        for stalls in (0, 40):
            results, clocks, error = simulate(folder, sidecar, codes, stalls)
            places = range(case.expected.shape[1])
            bits = [[bool(result >> place & 1) for place in places] for result in results]
            np.testing.assert_array_equal(bits, case.expected)
            assert not error
            if not stalls:
                assert clocks[-1] - clocks[-2] == sidecar["initiation_interval"]
