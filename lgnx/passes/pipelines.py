"""The passes by name, and the pipelines that lower a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnx
import onnx_ir as ir
from onnx_ir.passes import common

from lgnx.check import problems_and_types, raise_errors
from lgnx.files import as_proto, model_name
from lgnx.functions import attach_functions
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import InputError, ModelError
from lgnx.passes.cancel_pack_unpack import CancelPackUnpackPass
from lgnx.passes.fuse_network import FuseNetworkPass
from lgnx.passes.lower_group_sum import LowerGroupSumPass
from lgnx.passes.lower_logic_conv import LowerLogicConvPass
from lgnx.passes.lower_logic_conv_transpose import LowerLogicConvTransposePass
from lgnx.passes.lower_logic_dense import LowerLogicDensePass
from lgnx.passes.lower_or_pool import LowerOrPoolPass
from lgnx.passes.lower_thermometer import LowerThermometerPass
from lgnx.passes.merge_gathers import MergeGathersPass
from lgnx.passes.merge_reshapes import MergeReshapesPass
from lgnx.passes.merge_transposes import MergeTransposesPass
from lgnx.passes.recognise_group_sum import RecogniseGroupSumPass
from lgnx.passes.recognise_thermometer import RecogniseThermometerPass
from lgnx.passes.remove_casts import RemoveCastsPass
from lgnx.versions import convert_version, version_of

PassFactory = Callable[[], ir.passes.PassBase]

PASSES: dict[str, PassFactory] = {
    "remove-casts": RemoveCastsPass,
    "recognise-group-sum": RecogniseGroupSumPass,
    "recognise-thermometer": RecogniseThermometerPass,
    "lower-thermometer": LowerThermometerPass,
    "lower-logic-dense": LowerLogicDensePass,
    "lower-logic-conv": LowerLogicConvPass,
    "lower-logic-conv-transpose": LowerLogicConvTransposePass,
    "lower-or-pool": LowerOrPoolPass,
    "lower-group-sum": LowerGroupSumPass,
    "cancel-pack-unpack": CancelPackUnpackPass,
    "merge-gathers": MergeGathersPass,
    "merge-reshapes": MergeReshapesPass,
    "merge-transposes": MergeTransposesPass,
    "fuse-network": FuseNetworkPass,
    "remove-unused": common.RemoveUnusedNodesPass,
}
"""Every pass by name."""

PIPELINES: dict[str, tuple[str, ...]] = {
    "bitwise": (
        "remove-casts",
        "recognise-group-sum",
        "lower-thermometer",
        "lower-logic-dense",
        "lower-logic-conv",
        "lower-logic-conv-transpose",
        "lower-or-pool",
        "lower-group-sum",
        "cancel-pack-unpack",
        "merge-gathers",
        "merge-reshapes",
        "remove-unused",
    ),
    "network": (
        "remove-casts",
        "recognise-group-sum",
        "recognise-thermometer",
        "fuse-network",
        "remove-unused",
    ),
}
"""Names of the passes of each pipeline, in order."""


def run_passes(
    model: Any,
    names: tuple[str, ...] | list[str],
    *,
    simplify: bool = True,
    progress: Callable[[str], None] | None = None,
) -> onnx.ModelProto:
    """Run passes by name.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model; it is not changed.
    names
        Keys of `PASSES`.
    simplify
        Whether fusing applies the optimiser's rules to the netlist.
    progress
        Called with the name of each pass as it begins.

    Raises
    ------
    InputError
        If there is no pass of a name.
    ModelError
        If the model is not valid ONNX.
    """
    for name in names:
        if name not in PASSES:
            raise InputError(f"there is no pass {name!r}; there are: {', '.join(PASSES)}")
    return _run(_with_types(as_proto(model), model_name(model)), names, simplify, progress)


def _run(
    working: ir.Model,
    names: tuple[str, ...] | list[str],
    simplify: bool,
    progress: Callable[[str], None] | None,
) -> onnx.ModelProto:
    """Run passes, whose names are right, on a model that they may change."""
    for name in names:
        if progress:
            progress(name)
        made = FuseNetworkPass(simplify) if name == "fuse-network" else PASSES[name]()
        working.graph.meta.pop("lgnx.names", None)
        made(working)
    if any(node.domain == DOMAIN for node in working.graph):
        working.opset_imports.setdefault(DOMAIN, VERSION)
    return ir.serde.serialize_model(working)


def _with_types(proto: onnx.ModelProto, where: str) -> ir.Model:
    """The model with the types and shapes of all values, without the bodies of lgnx operators."""
    if any(function.domain == DOMAIN for function in proto.functions):
        source, proto = proto, onnx.ModelProto()
        proto.CopyFrom(source)
        bodies = [function for function in proto.functions if function.domain != DOMAIN]
        del proto.functions[:]
        proto.functions.extend(bodies)
    problems, inferred = problems_and_types(proto)
    raise_errors(problems, where)
    if version_of(proto) not in (None, VERSION):  # passes know the newest operators
        return _with_types(convert_version(proto), where)
    try:
        if inferred is None:
            inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True)
        return ir.serde.deserialize_model(inferred)
    except Exception as error:
        raise ModelError(f"{where}: not a valid ONNX model: {error}") from error


def lower(
    model: Any,
    to: str = "network",
    *,
    simplify: bool = True,
    progress: Callable[[str], None] | None = None,
) -> onnx.ModelProto:
    """Lower a model.

    Parameters
    ----------
    model
        Path, bytes, ModelProto or onnx_ir model of any level; it is not changed.
    to
        ``"bitwise"``: packed words and standard operators. PackBits, UnpackBits and BitCount carry
        their definitions, so stock onnxruntime runs the result.
        ``"network"``: each Boolean region as one LogicNetwork.
    simplify
        For ``"network"``: apply the optimiser's rules, without a proof. `lgnx.optimize` proves.
    progress
        Called with the name of each pass as it begins.

    Raises
    ------
    InputError
        If ``to`` is neither.
    ModelError
        If the model is not valid, or older than ONNX opset 18.
    """
    if to not in PIPELINES:
        raise InputError(f"cannot lower to {to!r}; there are: {', '.join(PIPELINES)}")
    proto = as_proto(model)
    had_bodies = any(function.domain == DOMAIN for function in proto.functions)
    working = _with_types(proto, model_name(model))
    lowered = _run(working, PIPELINES[to], simplify, progress)
    return attach_functions(lowered) if to == "bitwise" or had_bodies else lowered
