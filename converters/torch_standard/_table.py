"""How the functions say which operator they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from onnx import TensorProto

__all__ = ["NUMBERS", "Register", "Standard", "register_in"]

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)
Register = Callable[..., Callable[[F], F]]

# Of unsigned numbers, torch computes only with bytes.
NUMBERS = frozenset(
    TensorProto.DataType.Value(name)
    for name in "BOOL FLOAT16 BFLOAT16 FLOAT DOUBLE UINT8 INT8 INT16 INT32 INT64".split()
)


@dataclass(frozen=True)
class Standard:
    """A standard operator.

    Attributes
    ----------
    function
        Computes it from tensors.
    sizes
        The inputs that are sizes, axes and the like: Python integers and not tensors.
    literal
        Tells of a constant input whether it is given as Python numbers, too.
    only
        Values that are taken, for attributes and constant inputs of which not all are.
    types
        Element types of the first input that torch computes with; None for all.
    computed
        Functions for where an input is not constant.
    on_sizes
        Computes it from sizes and gives sizes; None where that has no meaning.
    """

    function: Function
    sizes: tuple[str, ...] = ()
    literal: Mapping[str, Callable[[np.ndarray], bool]] = field(default_factory=dict)
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    types: frozenset[int] | None = None
    computed: Mapping[str, Function] = field(default_factory=dict)
    on_sizes: Function | None = None


def register_in(table: dict[str, Standard], types: frozenset[int] | None = None) -> Register:
    """Give a decorator that puts a function into a table under the name of an operator.

    Parameters
    ----------
    types
        As of `Standard`, unless the decorator is told.
    """

    def operator(name: str, **properties: Any) -> Callable[[F], F]:
        def put(function: F) -> F:
            table[name] = Standard(function, **{"types": types, **properties})
            return function

        return put

    return operator
