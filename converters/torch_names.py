"""Names in a file as names of modules and in Python code."""

from __future__ import annotations

import builtins
import keyword
import re

import onnx

__all__ = ["identifier", "module_path", "module_scope", "snake_case"]

# What the code that torch.fx writes reads by these names.
RESERVED = frozenset((*dir(builtins), "self", "torch", "device", "inf", "nan", "NoneType"))


def identifier(name: str) -> str:
    """Make a name one that may stand in Python code."""
    made = re.sub(r"[^0-9A-Za-z_]", "_", name)
    return f"{made}_" if keyword.iskeyword(made) or made in RESERVED else made


def snake_case(name: str) -> str:
    """Give an operator's name as a function has it: LogicDense is logic_dense."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def module_scope(node: onnx.NodeProto) -> str:
    """Path of the module that a node was exported from, as its name tells."""
    name = re.sub(rf"(^|/){node.op_type}(_\d+)?$", "", node.name)
    return ".".join(part for part in name.split("/") if part)


def module_path(node: onnx.NodeProto) -> str:
    """Path of the module to make of a node."""
    parts = [identifier(part) for part in module_scope(node).split(".") if part]
    return ".".join(parts) or snake_case(node.op_type)
