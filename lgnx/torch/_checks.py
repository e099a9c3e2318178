"""Checks of what the operators are called with, by the checks of the operators themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from lgnx.ops import OPERATORS
from lgnx.ops._operator import NodeView
from lgnx.ops.errors import InputError

__all__ = ["attributes_of", "check_call"]

DTYPES = {"x": torch.bool, "indices": torch.int32, "tables": torch.uint8}


def attributes_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the attributes of a use of an operator, with defaults for those that are None or empty.

    They keep the order in which they are given.

    Parameters
    ----------
    name
        Name of the operator.
    """
    plain = {
        key: [int(v) for v in value] if isinstance(value, (list, tuple)) else value
        for key, value in given.items()
        if value is not None and value != []
    }
    complete = OPERATORS[name].with_defaults({"kernel_shape": [], **plain})
    return {key: complete[key] for key in given}


def check_call(
    name: str,
    attributes: Mapping[str, Any],
    x: torch.Tensor | None = None,
    constants: Mapping[str, torch.Tensor] | None = None,
    dtypes: Mapping[str, torch.dtype] = DTYPES,
) -> None:
    """Check a use of an operator.

    Parameters
    ----------
    name
        Name of the operator.
    attributes
        All attributes.
    x
        Its input; extents that torch does not know yet are not checked.
    constants
        Its other inputs, where their values are known.
    dtypes
        What the inputs must be.

    Raises
    ------
    InputError
        If something does not fit.
    """
    given = {} if constants is None else dict(constants)
    for field, tensor in {**({} if x is None else {"x": x}), **given}.items():
        if tensor.dtype != dtypes[field]:
            raise InputError(f"{name}: input {field}: is {tensor.dtype}, must be {dtypes[field]}")
    shapes = {} if x is None else {"x": [n if type(n) is int else None for n in x.shape]}
    view = NodeView(
        attributes,
        {field: tensor.detach().cpu().numpy() for field, tensor in given.items()},
        shapes,
        {},
        frozenset({"x", *given}),
    )
    for severity, field, message in OPERATORS[name].check(view):
        if severity == "error":
            raise InputError(f"{name}: {field}: {message}")
