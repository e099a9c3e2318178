"""The standard ONNX operators that exported networks hold, as functions of torch tensors.

A function takes the inputs and attributes of its operator by their names in the schema, so one
function serves every version of an operator, also where an attribute has become an input. What a
schema has and a function has not, may only have its default.
"""

from __future__ import annotations

from lgnx.converters.torch_standard import arithmetic, layers, layout, shapes
from lgnx.converters.torch_standard._table import Standard

__all__ = ["STANDARD"]

STANDARD: dict[str, Standard] = {
    name: standard
    for module in (arithmetic, layers, layout, shapes)
    for name, standard in module.OPERATORS.items()
}
"""The operators by name."""
