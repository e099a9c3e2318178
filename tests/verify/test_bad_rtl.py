"""Bad input of the hardware commands: clear errors, and nothing half-written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx import TensorProto

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.metadata import with_metadata
from lgnx.ops.errors import ComparisonError, InputError, ModelError, ToolError
from lgnx.verify.cosim import CoSimulation
from lgnx.verify.estimate_rtl import estimate_rtl
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_proof import prove_rtl
from lgnx.verify.same_model import check_same_model

EVIL = 'x\n*/ endmodule\n`include "/etc/passwd"\n$finish; // \\ "'


@pytest.mark.parametrize("top", ["module", "logic", "a b", "1a", "a__b", "_a", "a" * 201, "", EVIL])
def test_a_top_that_is_no_plain_name_is_refused(classifier, tmp_path, top):
    network = lgnx.Network.from_model(classifier)
    with pytest.raises(InputError, match="must be letters, digits and single underscores"):
        write_rtl(network, tmp_path / "rtl", input_format="ufixed<8,1>", top=top)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("top", ["clk", "x", "stage0", "core"])
def test_a_top_named_like_a_port_or_net_is_refused(classifier, tmp_path, top):
    network = lgnx.Network.from_model(classifier)
    with pytest.raises(InputError, match=f"top module '{top}': is the name of a port or net"):
        write_rtl(network, tmp_path / "rtl", input_format="ufixed<8,1>", top=top)


def test_no_text_of_the_model_gets_into_the_verilog(classifier, tmp_path):
    names = {
        "lgnx.class_names": ["module", EVIL, '"'],
        "lgnx.feature_names": ["input", EVIL, "c", "d", "e", "f"],
        "lgnx.comment": EVIL,
        "lgnx.training_tool": EVIL,
    }
    model = with_metadata(classifier, names)
    model.graph.input[0].name = EVIL
    for node in model.graph.node:
        node.name += EVIL
        node.input[:] = [EVIL if name == "x" else name for name in node.input]
    folder = tmp_path / "rtl"
    write_rtl(lgnx.Network.from_model(model), folder, input_format="ufixed<8,1>", trigger="0 >= 3")
    rtl = read_rtl(folder)
    for path in rtl.files:
        text = path.read_text()
        assert "passwd" not in text
        assert "$finish" not in text
    sidecar = json.loads((folder / "lgnx.json").read_text())
    assert sidecar["source"]["lgnx.comment"] == EVIL


def test_a_port_that_tools_need_not_take_is_refused(make, tmp_path):
    m = make(65_537)
    model = m.model(m.dense("x", 65_537, 4, 2, np.random.default_rng(0)))
    message = "port x: would be 65,537 bits wide, must be at most 65,536"
    with pytest.raises(InputError, match=message):
        write_rtl(lgnx.Network.from_model(model), tmp_path / "rtl")
    assert list(tmp_path.iterdir()) == []


def test_thresholds_that_all_lie_outside_the_format_are_refused(classifier, tmp_path):
    network = lgnx.Network.from_model(classifier)  # thresholds from 0 to 1
    with pytest.raises(InputError, match=r"ufixed<8,-7>: goes from 0 to 0\.007.*, but the thresh"):
        write_rtl(network, tmp_path / "rtl", input_format="ufixed<8,-7>")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_logic_between_layers_is_named(make):
    rng = np.random.default_rng(0)
    m = make(8)
    numbers = m.op("Cast", m.dense("x", 8, 16, 2, rng), to=TensorProto.FLOAT)
    bits = m.op("Greater", m.op("Sin", numbers), m.constant(np.float32(0.3)))
    model = m.model(m.dense(bits, 16, 8, 2, rng))
    with pytest.raises(ModelError, match=r"exactly one LogicNetwork; .*parts them: .*Sin 'n_Sin"):
        lgnx.Network.from_model(model)


def without_sidecar(folder):
    (folder / "lgnx.json").unlink()


def without_a_file(folder):
    (folder / "lgnx_top_stage0.v").unlink()


def changed_by_hand(folder):
    path = folder / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace(" & ", " | ", 1))


def of_another_build(folder):
    path = folder / "lgnx.json"
    sidecar = json.loads(path.read_text())
    path.write_text(json.dumps(sidecar | {"build_id": "0123456789abcdef"}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_sidecar, r"there is no lgnx\.json"),
        (without_a_file, r"stage0\.v: no such file, though lgnx\.json lists it"),
        (changed_by_hand, "build_id is .*they were changed, or are not of one build"),
        (of_another_build, "build_id is '0123456789abcdef', but the Verilog and this file"),
    ],
)
def test_a_part_that_is_missing_or_of_another_build_is_no_pass(design, tmp_path, damage, message):
    made = design()
    folder = made.copy(tmp_path / "rtl")
    damage(folder)
    before = sorted(path.name for path in folder.iterdir())
    for use in (
        lambda: CoSimulation(folder, cache_dir=tmp_path / "cache"),
        lambda: prove_rtl(folder, made.path),
        lambda: estimate_rtl(folder),
    ):
        with pytest.raises(ModelError, match=message):
            use()
    assert sorted(path.name for path in folder.iterdir()) == before
    assert not (tmp_path / "cache").exists()


def test_another_model_than_the_rtls_is_no_pass(design, make):
    m = make(6)
    other = m.model(m.dense("x", 6, 4, 2, np.random.default_rng(0)))
    with pytest.raises(ComparisonError, match="it belongs to another model, or to another form"):
        check_same_model(read_rtl(design().rtl), other)


def test_a_full_disk_is_told(design, tmp_path, monkeypatch):
    made = design()

    def full(self, *args, **kwargs):
        raise OSError(28, "No space left on device")

    from lgnx.verify import cache

    monkeypatch.setattr(cache.Path, "write_bytes", full)
    cache_dir = tmp_path / "cache"
    with pytest.raises(InputError, match="cannot write there: No space left on device"):
        cache.cached_file("a.so", lambda folder: made.path, cache_dir=cache_dir)
    assert list(cache_dir.iterdir()) == []


def test_a_tool_that_fails_names_the_module_and_keeps_its_log(design, tmp_path):
    from lgnx.converters.verilog.folder import stamp

    made = design()
    folder = made.copy(tmp_path / "rtl")
    path = folder / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace("endmodule", "endmodul"))
    stamp(folder)
    with pytest.raises(ToolError, match=r"(?s)lgnx_top_stage0: Verilator failed.*log") as caught:
        CoSimulation(folder, cache_dir=tmp_path / "cache")
    (log,) = (tmp_path / "cache").glob("*.log")
    assert str(log) in str(caught.value)
    assert "%Error" in log.read_bytes().decode("utf-8", "replace")
