"""Compact designs: the same gates as numbers in rows of text, proved, simulated and linted."""

from __future__ import annotations

import json
import re

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.converters.verilog import write_rtl
from lgnx.converters.verilog.packed import packed_stages
from lgnx.converters.verilog.popcount import packed_counters
from lgnx.converters.verilog.stages import partition, stages_by_level
from lgnx.netlist.build import NetlistBuilder
from lgnx.network import Network
from lgnx.ops.errors import ModelError
from lgnx.optimize.fpga import optimize_for_fpga
from lgnx.verify.cosim import CoSimulation, compare
from lgnx.verify.lanes import LaneSimulation, compare_lanes
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_proof import prove_rtl
from lgnx.verify.verilator import lint


def words(row, flags: int) -> list[list[int]]:
    """Read a row as the Verilog does: for each word its nets, then its bits."""
    value = 0
    for character in row.text.replace("\\\\", "\\"):
        value = value << 6 | ord(character) & 63
    found = []
    for _ in range(row.count):
        word = []
        for base, bits in zip(row.bases, row.bits, strict=True):
            word.append(base + (value & (1 << bits) - 1))
            value >>= bits
        for _ in range(flags):
            word.append(value & 1)
            value >>= 1
        found.append(word)
    assert value == 0
    return found


def decoded(stage, x: np.ndarray) -> np.ndarray:
    """Evaluate the rows as the loops of the Verilog do: x [n, inputs] to y [n, outputs]."""
    nets = np.zeros((len(x), stage.levels[0].width), bool)
    nets[:, stage.zero : stage.zero + stage.n_inputs] = x
    for row in stage.gate_rows:
        for i, (a, b, not_a, not_b, xor) in enumerate(words(row, 3)):
            u, v = nets[:, a] ^ bool(not_a), nets[:, b] ^ bool(not_b)
            nets[:, row.first + i] = u ^ v if xor else u & v
    y = np.zeros((len(x), stage.n_outputs), bool)
    for row in stage.output_rows:
        for i, (complement,) in enumerate(words(row, 1)):
            net = nets.shape[1] - stage.n_outputs + row.first + i
            y[:, row.first + i] = nets[:, net] ^ bool(complement)
    return y


@given(
    seed=st.integers(0, 1 << 32),
    n_inputs=st.integers(1, 9),
    n_gates=st.integers(0, 200),
    every=st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_the_rows_hold_the_gates_of_random_netlists(seed, n_inputs, n_gates, every):
    rng = np.random.default_rng(seed)
    builder = NetlistBuilder(n_inputs)
    literals = builder.inputs()
    for _ in range(n_gates):
        a, b = rng.choice(literals, 2)[:, None] ^ rng.integers(0, 2, (2, 1)).astype(np.uint32)
        made = builder.xor(a, b) if rng.random() < 0.4 else builder.and_(a, b)
        literals = np.concatenate([literals, made])
    ends = rng.choice(literals, 12) ^ rng.integers(0, 2, 12).astype(np.uint32)
    ends[:2] &= np.uint32(rng.choice([1, 0xFFFFFFFF]))  # constants, at times
    netlist = builder.finish(ends)
    x = rng.integers(0, 2, (64, n_inputs)).astype(bool)
    parts = partition(netlist, stages_by_level(netlist, every))
    values = x
    for stage in packed_stages(netlist, parts, None, None):
        values = decoded(stage, values)
    np.testing.assert_array_equal(values, netlist.simulate(x))


@pytest.fixture(scope="module")
def models(make, classifier) -> dict[str, onnx.ModelProto]:
    rng = np.random.default_rng(3)
    m = make(40)
    y = m.dense(m.dense(m.dense("x", 40, 70, 2, rng), 70, 70, 2, rng), 70, 66, 2, rng)
    bits = m.model(y)
    m = make(40)
    y = m.dense(m.dense("x", 40, 70, 2, rng), 70, 40, 2, rng)
    tables, _ = optimize_for_fpga(m.model(m.op("GroupSum", y, groups=4)), effort="low")
    # Inputs handed on in reverse, beside a gate: numbers that fall as those of the outputs rise.
    m = make(40)
    indices = np.stack([np.arange(40)[::-1], np.arange(40)], axis=1).astype(np.int32)
    passing = np.full((40, 1), 0b1010, np.uint8)
    passing[7] = 0b0110
    y = m.op("LogicDense", "x", m.constant(indices), m.constant(passing))
    return {"bits": bits, "tables": tables, "classifier": classifier, "reverse": m.model(y)}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bits", {}),
        ("bits", {"stages_every": 1, "language": "systemverilog"}),
        ("reverse", {}),
        ("tables", {}),
        ("tables", {"lut_levels": 2}),
        ("classifier", {"input_format": "ufixed<8,1>", "language": "systemverilog"}),
        ("classifier", {"input_format": "ufixed<8,1>", "stages_every": 2, "tree_every": 1}),
    ],
)  # fmt: skip
def test_a_compact_design_is_linted_proved_and_simulated(design, models, name, options):
    made = design(models[name], compact=True, **options)
    rtl = read_rtl(made.rtl)
    assert rtl.cutting.compact
    assert lint(rtl.files, rtl.top) == []
    assert prove_rtl(made.rtl, made.path).status == "proved"
    x = made.samples(300)
    report = compare(made.simulation(), made.path, x, vcd=None)
    assert (report.samples, report.mismatches) == (300, 0)


@pytest.mark.parametrize("size", [2, 3, 6, 7, 40, 102, 800])
def test_the_rows_of_counters_count(size):
    rng = np.random.default_rng(size)
    x = rng.random((200, size)) < rng.random((200, 1))
    rows, result = packed_counters(size)
    nets = [np.zeros(len(x), np.int64), *x.T.astype(np.int64)]
    for row in rows:
        for word in words(row, 0):
            count = sum(nets[net] for net in word)
            nets += [count >> digit & 1 for digit in range(3)]
    count = sum(nets[net] << digit for digit, net in enumerate(result))
    np.testing.assert_array_equal(count, x.sum(axis=1))


@pytest.mark.parametrize(
    ("name", "options"),
    [("classifier", {"input_format": "ufixed<8,1>"}), ("tables", {"lut_levels": 9})],
)
def test_lanes_simulate_a_compact_design(design, models, name, options):
    made = design(models[name], compact=True, **options)
    lanes = LaneSimulation(made.rtl, made.path, cache_dir=made.cache)
    found = compare_lanes(lanes, made.simulation(), made.path, made.samples(1_000), checked=100)
    assert (found.samples, found.mismatches) == (1_000, 0)


def test_modules_verilated_apart_simulate_a_compact_design(design, models, new_cache, monkeypatch):
    monkeypatch.setattr("lgnx.verify.split._LARGE", 0)
    made = design(models["bits"], compact=True)
    simulation = CoSimulation(made.rtl, cache_dir=new_cache)
    report = compare(simulation, made.path, made.samples(200), vcd=None)
    assert (report.samples, report.mismatches) == (200, 0)


def test_compact_text_is_a_fraction(make, tmp_path):
    rng = np.random.default_rng(4)
    m = make(256)
    y = m.dense(m.dense("x", 256, 2000, 2, rng), 2000, 2000, 2, rng)
    network = Network.from_model(m.model(m.op("GroupSum", y, groups=10)))
    sizes = []
    for compact in (False, True):
        sidecar = write_rtl(network, tmp_path / "rtl", compact=compact)
        logic = [each["file"] for each in sidecar["modules"] if each["role"] == "logic"]
        sizes.append(sum((tmp_path / "rtl" / file).stat().st_size for file in logic))
    assert sizes[1] < sizes[0] / 6


def test_rows_of_tables_are_a_fraction_of_lines(design, models):
    sizes = [
        sum(path.stat().st_size for path in read_rtl(made.rtl).files)
        for made in (design(models["tables"]), design(models["tables"], compact=True))
    ]
    assert sizes[1] < sizes[0] * 2 / 3


def test_compact_on_the_command_line(design, models, tmp_path):
    made = design(models["bits"])
    for options in ([], ["--pipeline", "1", "--streaming"]):
        command = ["rtl", str(made.path), "-o", str(tmp_path / "rtl"), "--compact", "--json"]
        done = CliRunner().invoke(app, [*command, *options])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["top"] == "lgnx_top"
        texts = [path.read_text() for path in (tmp_path / "rtl").glob("*stage0.v")]
        assert texts
        assert all(re.search(r'^  localparam Y0 = bits\("', text, re.M) for text in texts)


def test_a_wrong_value_in_the_sidecar_is_named(design, models, tmp_path):
    folder = design(models["bits"], compact=True).copy(tmp_path / "rtl")
    path = folder / "lgnx.json"
    path.write_text(path.read_text().replace('"compact": true', '"compact": 1'))
    with pytest.raises(ModelError, match="compact is 1; allowed: true or false"):
        read_rtl(folder)
