"""Estimates of cost: every cell is counted once, by the role of its module."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lgnx.cli import app
from lgnx.ops.errors import InputError
from lgnx.verify.estimate_rtl import TARGETS, estimate_rtl
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_readback import read_back

pytest.importorskip("pyosys")


@pytest.mark.parametrize("target", TARGETS)
def test_parts_add_up_and_registers_are_those_of_the_netlist(design, target):
    made = design(stages_every=1)
    found = estimate_rtl(made.rtl, target)
    assert {part.role for part in found.parts} == {
        *("encoder", "logic", "popcount", "argmax"),
        "registers and wiring",
    }
    for field in ("luts", "registers", "carries", "instances"):
        assert getattr(found.total, field) == sum(getattr(p, field) for p in found.parts)
    modules, _ = read_back(read_rtl(made.rtl))
    written = sum(module.registers for module in modules.values())
    kept = [p for p in found.parts if p.role != "registers and wiring"]
    assert all(part.luts > 0 for part in kept)
    # A synthesis may merge or drop registers, and makes none.
    assert 0.8 * written <= found.total.registers <= written
    assert found.total.levels == max(part.levels for part in found.parts)


@pytest.mark.parametrize("target", TARGETS)
def test_levels_end_at_registers(design, target):
    """Of one module, with registers inside: the way from one rank to the next is shorter."""
    levels = []
    for trees in (None, 1):
        found = estimate_rtl(design(stages_every=1, tree_every=trees).rtl, target)
        levels.append(next(part.levels for part in found.parts if part.role == "popcount"))
    assert 0 < levels[1] < levels[0]


def test_an_estimate_calls_itself_one(design):
    made = design()
    result = CliRunner().invoke(app, ["estimate", str(made.rtl), "--target", "lut6", "--json"])
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert content["kind"] == "estimate"
    assert content["build_id"] == read_rtl(made.rtl).build_id
    assert content["total"]["registers"] == 0
    shown = CliRunner().invoke(app, ["estimate", str(made.rtl), "--target", "lut6"])
    assert "An estimate for look-up tables of six inputs" in " ".join(shown.stdout.split())


def test_an_unknown_target_is_refused(design):
    with pytest.raises(InputError, match="target 'asic': must be one of xilinx, ecp5, ice40"):
        estimate_rtl(design().rtl, "asic")
