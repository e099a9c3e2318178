from __future__ import annotations

import json

import pytest

from lgnx.ops.errors import ModelError
from lgnx.verify.rtl import read_rtl


def test_the_sidecar_tells_ports_and_latency(design):
    rtl = read_rtl(design(stages_every=1).rtl)
    assert (rtl.top, rtl.pipelined, rtl.clock) == ("lgnx_top", True, "clk")
    assert (rtl.input.features, rtl.input.shape, str(rtl.input.values[5])) == (
        6,
        (6,),
        "ufixed<8,1>",
    )
    assert (rtl.scores.groups, rtl.scores.bias, rtl.bits) == (3, 1.0, None)
    assert all(path.is_file() for path in rtl.files)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("format", "other", "format is 'other'; allowed: 'lgnx-rtl'"),
        ("version", 1, "version is 1; allowed: 2"),
        ("top", "a b", "top is 'a b'; allowed: a plain identifier"),
        ("top", "$finish;", "top is"),
        (
            "style",
            "async",
            "style is 'async'; allowed: 'combinational', 'pipelined' or 'streaming'",
        ),
        ("latency", 5, "latency is 5; allowed: 0 in a combinational design|latency is 5"),
        ("files", ["../x.v"], "files is '../x.v'; allowed: paths inside the folder"),
        ("files", ["none.v"], r"none\.v: no such file, though lgnx\.json lists it"),
        ("files", [], "files is"),
        ("input.width", 65, "input.width is 65; allowed: 48, as the formats have it"),
        ("input.format", ["ufixed<8,1>"], r"input.format is .*allowed: a format, or a list of 6"),
        ("input.format", "ufixed<2,0>", "input.values: port format ufixed<2,0>: does not hold"),
        ("handshake", "fifo", "handshake is 'fifo'; allowed: 'none' or 'valid' or 'axi-stream'"),
        ("handshake", "valid", "handshake is 'valid'; allowed: 'none' in a combinational design"),
        ("reset", "yes", "reset is 'yes'; allowed: an object or null"),
        ("build_id", "0123", "build_id is '0123', but the Verilog and this file have"),
        ("lgnx", "other", "build_id is '[0-9a-f]{16}', but the Verilog and this file have"),
        ("input.features", "6", "input.features is '6'"),
        ("input.shape", [7], "input.shape is"),
        ("input.dtype", "object", "input.dtype is 'object'"),
        ("input.values", "ufixed<99,1>", "input.values: "),
        ("outputs", [], "outputs is"),
        ("scoring.tau", 0, r"scoring.tau is 0"),
        ("outputs.0.tau", 0, r"outputs\[0\].tau is 0"),
        ("outputs.0.dtype", "float16", r"outputs\[0\].dtype is 'float16'"),
        ("outputs.0.name", None, r"outputs\[0\].name is missing"),
    ],
)
def test_a_wrong_field_is_named(design, tmp_path, place, value, message):
    folder = design().copy(tmp_path / "rtl")
    path = folder / "lgnx.json"
    data = json.loads(path.read_text())
    *parents, last = place.split(".")
    holder = data
    for key in parents:
        holder = holder[int(key) if key.isdigit() else key]
    holder[last] = value
    path.write_text(json.dumps(data))
    with pytest.raises(ModelError, match=message):
        read_rtl(folder)


def test_a_folder_without_a_sidecar_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"there is no lgnx\.json"):
        read_rtl(tmp_path)
    with pytest.raises(ModelError, match="no such folder"):
        read_rtl(tmp_path / "none")
    (tmp_path / "lgnx.json").write_text("{")
    with pytest.raises(ModelError, match=r"lgnx\.json: not JSON"):
        read_rtl(tmp_path)
