"""RTL read back and proved equal to the model: what holds is proved, what is broken refuted."""

from __future__ import annotations

import json

import numpy as np
import pytest

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.converters.verilog.folder import stamp
from lgnx.ops.errors import ComparisonError, ModelError
from lgnx.verify.rtl_proof import prove_rtl

pytest.importorskip("pyosys")
pytest.importorskip("aigverse")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stages_every": 1, "tree_every": 1, "port_format": "ufixed<9,2>"},
        {"stages_every": 2, "handshake": "none", "language": "systemverilog"},
        {"stages_every": 1, "handshake": "axi-stream", "reset": "async-low"},
        {"outputs": "trigger", "trigger": "1 >= 3"},
        {"stages_every": 2, "tree_every": 1, "trigger": "0 > 1", "outputs": "class,trigger"},
    ],
)
def test_every_interface_is_proved(design, options):
    made = design(**options)
    proof = prove_rtl(made.rtl, made.path)
    assert proof.status == "proved", proof.claims
    assert {claim.status for claim in proof.claims} == {"proved"}


@pytest.mark.parametrize("groups", [0, 1, 16])
@pytest.mark.parametrize("stages_every", [None, 1])
def test_other_outputs_are_proved(make, tmp_path, groups, stages_every):
    m = make(5)
    y = m.dense("x", 5, 16, 2, np.random.default_rng(groups))
    model = m.model(m.op("GroupSum", y, groups=groups) if groups else y)
    write_rtl(lgnx.Network.from_model(model), tmp_path / "rtl", stages_every=stages_every)
    assert prove_rtl(tmp_path / "rtl", model).status == "proved"


@pytest.mark.parametrize("stages_every", [None, 1])
def test_constant_networks_are_proved(make, tmp_path, stages_every):
    m = make(3)
    tables = np.array([[0x0], [0xF], [0xF], [0x0]], np.uint8)
    bits = m.op("LogicDense", "x", m.constant(np.zeros((4, 2), np.int32)), m.constant(tables))
    model = m.model(m.op("GroupSum", bits, groups=2))
    write_rtl(lgnx.Network.from_model(model), tmp_path / "rtl", stages_every=stages_every)
    assert prove_rtl(tmp_path / "rtl", model).status == "proved"


@pytest.mark.parametrize(
    ("module", "old", "new", "claim"),
    [
        ("encoder", " > ", " < ", "module lgnx_top_encoder"),
        ("stage0", " & ", " | ", "module lgnx_top_stage0"),
        ("popcount", " ^ v[2]", " ^ v[1]", "module lgnx_top_popcount"),
        ("argmax", " > best", " >= best", "module lgnx_top_argmax"),
        ("network", ".x(held0)", ".x(~held0)", "module lgnx_top_network: its parts together"),
        ("", "scores = ", "scores = ~", "module lgnx_top: its parts together"),
        ("skid", "full <= ~free &", "full <= 1'b0 &", "no result is lost, repeated"),
    ],
)
def test_a_fault_is_refuted_where_it_is(design, tmp_path, module, old, new, claim):
    handshake = "axi-stream" if module == "skid" else "valid"
    made = design(stages_every=1, handshake=handshake)
    folder = made.copy(tmp_path / "rtl")
    path = folder / f"lgnx_top{module and '_'}{module}.v"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    stamp(folder)
    proof = prove_rtl(folder, made.path)
    assert proof.status == "refuted"
    [refuted] = [c.what for c in proof.claims if c.status == "refuted"]
    assert refuted.startswith(claim)


@pytest.mark.parametrize(
    ("module", "old", "new", "message"),
    [
        ("network", "held1 <= logic1", "held1 <= held2", "outputs come after 3 and 7 registers"),
        ("core", "bits <= encoded", "bits <= bits", "registers, the sidecar promises|registers"),
        ("core", "posedge clk) if (enable) bits", "negedge clk) if (enable) bits", "rising edge"),
        ("core", "if (enable) bits <=", "bits <=", "does not wait for 'enable'"),
        ("core", ".x(bits)", ".x(encoded)", "joins ways of|registers"),
    ],
)
def test_wrong_registers_are_named(design, tmp_path, module, old, new, message):
    made = design(stages_every=1, handshake="axi-stream")
    folder = made.copy(tmp_path / "rtl")
    path = folder / f"lgnx_top_{module}.v"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    stamp(folder)
    with pytest.raises((ComparisonError, ModelError), match=message):
        prove_rtl(folder, made.path)


def test_another_model_is_refused(design, make):
    m = make(6)
    other = m.model(m.dense("x", 6, 4, 2, np.random.default_rng(0)))
    with pytest.raises(ComparisonError, match="it belongs to another model"):
        prove_rtl(design().rtl, other)


def test_a_changed_file_is_refused(design, tmp_path):
    folder = design().copy(tmp_path / "rtl")
    path = folder / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace(" & ", " | ", 1))
    with pytest.raises(ModelError, match="they were changed, or are not of one build"):
        prove_rtl(folder, design().path)


def test_the_verdict_file_says_what_was_proved(design, tmp_path):
    made = design()
    prove_rtl(made.rtl, made.path).save(tmp_path / "proof.json")
    content = json.loads((tmp_path / "proof.json").read_text())
    sidecar = json.loads((made.rtl / "lgnx.json").read_text())
    assert (content["format"], content["status"]) == ("lgnx-proof", "proved")
    assert content["build_id"] == sidecar["build_id"]
    assert content["netlist_sha256"] == sidecar["netlist_sha256"]
    assert content["tools"]["yosys"].startswith("Yosys ")
    assert all(c["status"] == "proved" and c["method"] for c in content["claims"])
