"""A model evaluated with the numpy references of the operators: slow, and the plain truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from lgnx.ops import DOMAIN, Operator
from lgnx.versions import operators_of

__all__ = ["reference_evaluator", "run_reference"]


def reference_evaluator(model: onnx.ModelProto) -> ReferenceEvaluator:
    """Return onnx's evaluator, with lgnx operators computed by their numpy references.

    Function bodies in the model are left aside.
    """
    known = operators_of(model, "model")
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    kept = [f for f in model.functions if f.domain != DOMAIN]
    del plain.functions[:]
    plain.functions.extend(kept)
    return ReferenceEvaluator(plain, new_ops=[_op_class(o) for o in known.values()])


def run_reference(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """Evaluate a model with one input and return its outputs."""
    evaluator = reference_evaluator(model)
    return list(evaluator.run(None, {evaluator.input_names[0]: x}))


def _op_class(operator: Operator) -> type[OpRun]:
    def run(self: OpRun, *inputs: np.ndarray | None, **attributes: Any) -> tuple[np.ndarray]:
        return (operator.reference(*inputs, **attributes),)

    body = {"op_domain": DOMAIN, "op_schema": operator.schema, "_run": run}
    return type(operator.name, (OpRun,), body)
