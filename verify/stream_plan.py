"""A model cut into layers and tail as a streaming design has it cut."""

from __future__ import annotations

from typing import Any

from lgnx.converters.verilog.streaming import Plan, plan_stream
from lgnx.ops.errors import ComparisonError
from lgnx.verify.rtl import Rtl

__all__ = ["plan_of"]


def plan_of(rtl: Rtl, model: Any) -> Plan:
    """Cut a model as a design has it cut.

    Parameters
    ----------
    rtl
        A streaming design.
    model
        Path, bytes or ModelProto.

    Raises
    ------
    ComparisonError
        If that gives something else than the design was written from.
    """
    assert rtl.stream is not None
    geometry = rtl.stream.geometry
    plan = plan_stream(
        model,
        input_format={"features": {str(i): str(f) for i, f in enumerate(rtl.input.values)}},
        port_format={"features": {str(i): str(f) for i, f in enumerate(rtl.input.ports)}},
        positions_per_cycle=geometry["positions_per_beat"],
        channels_per_cycle=geometry["channels_per_beat"],
    )
    if (found := plan.digest()) != rtl.netlist_sha256:
        raise ComparisonError(
            f"{rtl.folder}: was written from the layers {rtl.netlist_sha256[:16]}..., the model "
            f"has {found[:16]}...; it belongs to another model, or to another form of it"
        )
    return plan
