"""Modules that are verilated apart, and called from the rest of the design."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.verilog.streaming import write_streaming
from lgnx.ops.errors import ModelError
from lgnx.verify.cosim import CoSimulation, compare, random_inputs
from lgnx.verify.rtl import read_rtl
from lgnx.verify.split import split_modules


@pytest.fixture
def small_is_large(monkeypatch):
    """Every module of logic counts as a large one."""
    monkeypatch.setattr("lgnx.verify.split._LARGE", 1)


@pytest.fixture(scope="module")
def counts(make):
    """A dense network of two groups of 103 bits."""
    rng = np.random.default_rng(0)
    m = make(37)
    y = m.dense(m.dense("x", 37, 90, 2, rng), 90, 206, 2, rng)
    return m.model(m.op("GroupSum", y, groups=2))


@pytest.fixture(scope="module")
def images(make):
    """Two convolutions with a pooling each, a dense layer, and two groups of 101 bits."""
    rng = np.random.default_rng(1)
    m = make(2, 8, 8, dtype=TensorProto.UINT8)
    y = m.op("Thermometer", "x", m.constant(np.array([1], np.uint8)))
    y = m.op("Squeeze", y, m.constant(np.array([-1])))
    for channels, kernels in ((2, 5), (5, 7)):
        trees = m.trees(9 * channels, kernels, 2, 2, rng)
        y = m.op("LogicConv", y, *trees, kernel_shape=[3, 3], pads=[1, 1, 1, 1], depth=2)
        y = m.op("OrPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = m.dense(m.op("Reshape", y, m.constant([0, 28])), 28, 202, 2, rng)
    return m.model(m.op("GroupSum", y, groups=2))


@pytest.mark.usefixtures("small_is_large")
def test_a_counter_of_two_groups_is_a_part_with_a_state_for_each(counts, design):
    made = design(counts)
    parts = split_modules(read_rtl(made.rtl))
    assert [(part.name, part.outputs) for part in parts] == [
        ("lgnx_top_stage0", 206),
        ("lgnx_top_popcount", 7),
    ]
    simulation = made.simulation()
    assert compare(simulation, made.path, made.samples(1000), vcd=None).mismatches == 0
    # What was computed just before, or long ago, comes again.
    again = made.samples(4)[[0, 0, 1, 0, 1, 1, 2, 0, 3, 3]]
    assert compare(simulation, made.path, again, vcd=None).mismatches == 0


@pytest.mark.usefixtures("small_is_large")
def test_a_streaming_design_in_parts_gives_the_models_outputs_under_stalls(images, cache, tmp_path):
    lgnx.save(images, tmp_path / "model.onnx")
    write_streaming(tmp_path / "model.onnx", tmp_path / "rtl", input_format="ufixed<2,2>")
    names = [part.name for part in split_modules(read_rtl(tmp_path / "rtl"))]
    kernels = [f"lgnx_top_layer{layer}_stage0" for layer in (0, 2)]
    assert names == [*kernels, "lgnx_top_tail_stage0", "lgnx_top_tail_popcount"]
    simulation = CoSimulation(tmp_path / "rtl", cache_dir=cache)
    x = random_inputs(simulation.rtl, 130)
    x[0], x[1] = 0, 3
    for stalls in (0, 10, 60):
        report = compare(simulation, tmp_path / "model.onnx", x, stalls=stalls, vcd=None)
        assert (report.samples, report.mismatches) == (130, 0)


@pytest.mark.usefixtures("small_is_large")
def test_a_counter_with_registers_inside_stays_in_the_design(counts, design):
    made = design(counts, stages_every=1, tree_every=1)
    names = [part.name for part in split_modules(read_rtl(made.rtl))]
    assert names == ["lgnx_top_stage0", "lgnx_top_stage1"]


def test_small_modules_stay_in_the_design(counts, design):
    assert split_modules(read_rtl(design(counts).rtl)) == []


@pytest.mark.usefixtures("small_is_large")
def test_a_module_without_the_ports_of_logic_is_refused(counts, design, tmp_path):
    folder = design(counts).copy(tmp_path / "rtl")
    rtl = read_rtl(folder)
    path = folder / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace("`LGNX_NETS(x,", "`LGNX_NETS(z,"))
    with pytest.raises(ModelError, match=r"stage0\.v: has no module 'lgnx_top_stage0' from x to y"):
        split_modules(rtl)
