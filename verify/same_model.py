"""Whether an RTL folder was written from a model: sidecar, Verilog and model are of one build."""

from __future__ import annotations

from typing import Any

from lgnx.converters.verilog.write import digest
from lgnx.metadata import INPUT_SCALING
from lgnx.network import Network
from lgnx.ops.errors import ComparisonError, InputError
from lgnx.scaling import InputScaling
from lgnx.verify.rtl import Rtl

__all__ = ["check_same_model", "check_same_scaling"]


def check_same_model(rtl: Rtl, model: Any, network: Network | None = None) -> None:
    """Check that a model is the one that a design was written from.

    Parameters
    ----------
    model
        Path, bytes or ModelProto.
    network
        What it computes, where that is known already.

    Raises
    ------
    ComparisonError
        If its netlist is another one, or its layers are, in a streaming design.
    InputError
        If its scaling is.
    """
    network = network or Network.from_model(model)
    check_same_scaling(rtl, network.metadata, "the model")
    if rtl.stream is not None:
        from lgnx.verify.stream_plan import plan_of

        plan_of(rtl, model)
        return
    found = digest(network.netlist)
    if found != rtl.netlist_sha256:
        raise ComparisonError(
            f"{rtl.folder}: was written from the netlist {rtl.netlist_sha256[:16]}..., the model "
            f"has {found[:16]}...; it belongs to another model, or to another form of it"
        )


def check_same_scaling(rtl: Rtl, metadata: dict[str, str], where: str) -> None:
    """Check that model and sidecar scale samples alike.

    Raises
    ------
    InputError
        If they do not.
    """
    given = InputScaling.of_text(metadata.get(INPUT_SCALING), rtl.input.shape, where)
    if given != rtl.input.scaling:
        theirs, ours = (_words(scaling) for scaling in (given, rtl.input.scaling))
        raise InputError(
            f"{rtl.folder}: input.scaling: the sidecar has {ours}, {where} has {theirs}; samples "
            "would be scaled in two ways"
        )


def _words(scaling: Any) -> str:
    if scaling is None:
        return "none"
    return f"mean {scaling.mean.ravel()[0]:g}, scale {scaling.scale.ravel()[0]:g} first"
