"""From layer-level ONNX files back to torch modules."""

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx.inliner
from onnx import TensorProto, defs, helper, numpy_helper

from lgnx.check import problems_and_types, raise_errors
from lgnx.converters.torch_names import identifier, module_path, module_scope, snake_case
from lgnx.files import as_proto, model_name
from lgnx.ops import DOMAIN, OPERATORS
from lgnx.ops.errors import ModelError, require

if TYPE_CHECKING:
    import torch
    from torch import fx

    from lgnx.converters.torch_standard import Standard

__all__ = ["to_torch"]

OLDEST_OPSET = 13
LAYERS = ("Thermometer", "LogicDense", "LogicConv", "LogicConvTranspose", "OrPool", "GroupSum")


def to_torch(model: Any) -> fx.GraphModule:
    """Turn a layer-level model into a torch module that computes the same.

    Parameters
    ----------
    model
        Path, bytes or ModelProto.

    Returns
    -------
    torch.fx.GraphModule
        In evaluation mode. Its forward takes the model's inputs in their order and gives the
        output, several as a tuple. A node of `lgnx.ops` named ``/layers/1/LogicDense`` is the
        module ``layers.1`` of `lgnx.torch`, so its state is ``layers.1.indices`` and
        ``layers.1.tables``; nodes that share their constants share a module. Of the standard
        operators, which are functions, the constants are buffers named as in the file.

    Raises
    ------
    ModelError
        If the model is wrong, not at layer level, or has an operator that this does not know; the
        node is named.
    MissingExtraError
        If torch is not installed.
    """
    require("torch", extra="torch")
    proto, name = as_proto(model), model_name(model)
    _refuse_levels(proto, name)
    proto = _inlined(proto)
    problems, typed = problems_and_types(proto)
    raise_errors(problems, name)
    try:
        return _Importer(proto, typed or proto).module()
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from None


def _refuse_levels(proto: onnx.ModelProto, name: str) -> None:
    for node in proto.graph.node:
        if node.domain == DOMAIN and node.op_type in OPERATORS and node.op_type not in LAYERS:
            level = "network" if node.op_type == "LogicNetwork" else "bitwise"
            raise ModelError(
                f"{name}: node {node.name!r} ({node.op_type}) is of the {level} level: "
                "lgnx.to_torch takes the layer-level file that it was lowered from"
            )


def _inlined(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Put the bodies of functions in their places, except those of our operators."""
    if all(function.domain == DOMAIN for function in proto.functions):
        return proto
    ours = [(DOMAIN, name) for name in OPERATORS]
    return onnx.inliner.inline_selected_functions(proto, ours, exclude=True)


class _Importer:
    """Builds one module."""

    def __init__(self, proto: onnx.ModelProto, typed: onnx.ModelProto) -> None:
        import torch
        from torch import fx

        self.proto = proto
        values = (*typed.graph.input, *typed.graph.value_info, *typed.graph.output)
        self.types = {value.name: value.type.tensor_type.elem_type for value in values}
        self.opsets = {entry.domain: entry.version for entry in proto.opset_import}
        self.root = torch.nn.Module()
        self.graph = fx.Graph()
        self.constants: dict[str, np.ndarray] = {}
        self.values: dict[str, fx.Node] = {}
        self.sizes: set[str] = set()
        self.layers: dict[tuple[Any, ...], str] = {}
        self.buffers: dict[str, str] = {}
        self.arguments: set[str] = set()

    def module(self) -> fx.GraphModule:
        from torch import fx

        graph = self.proto.graph
        for tensor in graph.initializer:
            self.constants[tensor.name] = numpy_helper.to_array(tensor)
            self.types[tensor.name] = tensor.data_type
        if graph.sparse_initializer:
            raise ModelError("has sparse initializers, must have plain ones")
        self._place_layers()
        for value in graph.input:
            if value.name not in self.constants:
                self.values[value.name] = self.graph.placeholder(self._argument(value.name))
        for node in graph.node:
            self._add(node)
        results = [self._tensor(value.name) for value in graph.output]
        self.graph.output(results[0] if len(results) == 1 else tuple(results))
        return fx.GraphModule(self.root, self.graph, identifier(graph.name) or "Model").eval()

    # --- Names

    def _argument(self, name: str) -> str:
        """Give an input a name of its own in Python."""
        made = identifier(name)
        made = made if made.isidentifier() else f"x_{made}"
        while made in self.arguments:
            made += "_"
        self.arguments.add(made)
        return made

    def _attach_point(self, path: str) -> tuple[torch.nn.Module, str, str]:
        """Give the module, made if need be, and the free name in it where a path leads.

        Names are part of the code that torch.fx writes, so only letters, digits and underscores
        of the path are kept.
        """
        import torch

        *parents, last = [identifier(part) for part in path.split(".") if part] or ["_"]
        module, places = self.root, []
        for part in parents:
            while hasattr(module, part) and not isinstance(getattr(module, part), torch.nn.Module):
                part += "_"
            if not hasattr(module, part):
                module.add_module(part, torch.nn.Module())
            module = getattr(module, part)
            places.append(part)
        while hasattr(module, last):
            last += "_"
        return module, last, ".".join([*places, last])

    def _buffer(self, name: str) -> fx.Node:
        """Give a constant as a buffer of the module."""
        import torch

        if name not in self.buffers:
            try:
                tensor = torch.from_numpy(np.array(self.constants[name]))
            except TypeError as error:
                raise ModelError(
                    f"constant {name!r} is of a type that torch does not take: {error}"
                ) from None
            module, last, place = self._attach_point(name)
            module.register_buffer(last, tensor)
            self.buffers[name] = place
        return self.graph.get_attr(self.buffers[name])

    def _tensor(self, name: str) -> fx.Node:
        """Give a value as a tensor."""
        from lgnx.converters.torch_standard.shapes import sizes_as_tensor

        if name in self.constants:
            return self._buffer(name)
        if name in self.sizes:
            return self.graph.call_function(sizes_as_tensor, (self.values[name],))
        return self.values[name]

    # --- Nodes of lgnx.ops

    def _place_layers(self) -> None:
        """Make the modules of the nodes whose constants are known, the outer ones first."""
        import lgnx.torch

        wanted: dict[tuple[Any, ...], tuple[str, onnx.NodeProto]] = {}
        for node in self.proto.graph.node:
            if node.op_type == "Constant" and node.domain == "":
                self.constants[node.output[0]] = _constant_value(node)
            if node.domain == DOMAIN and all(name in self.constants for name in node.input[1:]):
                wanted.setdefault(_layer_key(node), (module_path(node), node))
        paths = {path for path, _ in wanted.values()}
        taken: set[str] = set()
        placed: list[tuple[str, tuple[Any, ...], onnx.NodeProto]] = []
        for key, (path, node) in wanted.items():
            place, number = path, 0
            while place in taken or (number and place in paths):
                number += 1
                place = f"{path}_{number}"
            taken.add(place)
            placed.append((place, key, node))
        for place, key, node in sorted(placed, key=lambda entry: entry[0].count(".")):
            formal = [value.name for value in OPERATORS[node.op_type].schema.inputs][1:]
            given = [self.constants[name] for name in node.input[1:]]
            layer = getattr(lgnx.torch, node.op_type)(
                **dict(zip(formal, given, strict=True)), **_layer_attributes(node)
            )
            module, last, self.layers[key] = self._attach_point(place)
            module.add_module(last, layer)

    def _add_layer(self, node: onnx.NodeProto) -> fx.Node:
        import torch

        key = _layer_key(node)
        if key in self.layers:
            return self.graph.call_module(self.layers[key], (self._tensor(node.input[0]),))
        inputs = tuple(self._tensor(name) for name in node.input)
        function = getattr(torch.ops.lgnx, snake_case(node.op_type)).default
        return self.graph.call_function(function, inputs, _layer_attributes(node))

    # --- Standard nodes

    def _add(self, node: onnx.NodeProto) -> None:
        if node.domain == "" and node.op_type == "Constant":
            return
        if node.domain == DOMAIN:
            value = self._add_layer(node)
        elif node.domain in ("", "ai.onnx"):
            value = self._add_standard(node)
        else:
            raise ModelError(
                f"node {node.name!r} ({node.op_type}): the domain {node.domain!r} is not known"
            )
        outputs = [name for name in node.output if name]
        if node.op_type == "Split":
            for number, name in enumerate(outputs):
                self.values[name] = self.graph.call_function(operator.getitem, (value, number))
        elif len(outputs) != 1:
            raise ModelError(f"node {node.name!r} ({node.op_type}) has more than one output")
        else:
            self.values[outputs[0]] = value

    def _add_standard(self, node: onnx.NodeProto) -> fx.Node:
        from lgnx.converters.torch_standard import STANDARD

        label = f"node {node.name!r} ({node.op_type})"
        entry = STANDARD.get(node.op_type)
        if entry is None:
            raise ModelError(f"{label}: lgnx.to_torch does not know this operator")
        schema = self._schema(node, label)
        attributes = self._attributes(node, schema, entry, label)
        computed = [name for name in node.input if name and name not in self.constants]
        if entry.on_sizes is not None and computed and self.sizes.issuperset(computed):
            function, give = entry.on_sizes, self._size
            self.sizes.update(node.output)
        else:
            function, give = entry.function, self._tensor
            if node.op_type in ("Shape", "Size"):
                self.sizes.update(node.output)
        self._check_type(node, entry, label)
        inputs: dict[str, Any] = {}
        for number, name in enumerate(node.input):
            formal = schema.inputs[min(number, len(schema.inputs) - 1)]
            if formal.option == defs.OpSchema.FormalParameterOption.Variadic:
                inputs.setdefault(formal.name, []).append(give(name))
            elif not name:
                continue
            elif formal.name in entry.only:
                self._check_constant(entry, formal.name, name, label)
            elif formal.name in entry.sizes:
                inputs[formal.name] = self._size(name)
            elif name in self.constants and self._is_literal(entry, formal.name, name):
                inputs[formal.name] = self.constants[name].tolist()
            else:
                inputs[formal.name] = give(name)
                if give == self._tensor and name not in self.constants:
                    function = entry.computed.get(formal.name, function)
        if node.op_type == "Split" and "split" not in inputs:
            attributes.setdefault("num_outputs", len(node.output))
        return self.graph.call_function(function, (), {**inputs, **attributes})

    def _schema(self, node: onnx.NodeProto, label: str) -> defs.OpSchema:
        """Give the schema of a node in the version that the model has."""
        schema = defs.get_schema(node.op_type, self.opsets.get("", OLDEST_OPSET))
        if schema.since_version < OLDEST_OPSET:
            oldest = defs.get_schema(node.op_type, OLDEST_OPSET).since_version
            if schema.since_version < oldest:
                raise ModelError(
                    f"{label}: is of version {schema.since_version} of the operator, must be of "
                    f"{oldest} or later; onnx.version_converter raises it"
                )
        return schema

    def _check_type(self, node: onnx.NodeProto, entry: Standard, label: str) -> None:
        """Refuse types that torch cannot compute with."""
        kind = self.types.get(node.input[0], 0) if node.input else 0
        if entry.types is not None and kind and kind not in entry.types:
            name = TensorProto.DataType.Name(kind).lower()
            raise ModelError(f"{label}: torch does not compute this with {name}")

    def _check_constant(self, entry: Standard, formal: str, name: str, label: str) -> None:
        """Refuse an input that is not constant or has not the only value that is taken."""
        allowed = " or ".join(repr(choice) for choice in entry.only[formal])
        if name not in self.constants:
            raise ModelError(f"{label}: input {formal} is computed, must be {allowed}")
        value = self.constants[name].item()
        if value not in entry.only[formal]:
            raise ModelError(f"{label}: input {formal} is {value}, must be {allowed}")

    def _size(self, name: str) -> Any:
        """Give a value as Python numbers, where it is constant."""
        return self.constants[name].tolist() if name in self.constants else self.values[name]

    def _is_literal(self, entry: Standard, formal: str, name: str) -> bool:
        test = entry.literal.get(formal)
        return test is not None and test(self.constants[name])

    def _attributes(
        self, node: onnx.NodeProto, schema: defs.OpSchema, entry: Standard, label: str
    ) -> dict[str, Any]:
        known = inspect.signature(entry.function).parameters
        attributes: dict[str, Any] = {}
        for attribute in node.attribute:
            name, value = attribute.name, _plain(helper.get_attribute_value(attribute))
            default = schema.attributes[name].default_value
            if name not in known:
                if not default.name or _plain(helper.get_attribute_value(default)) != value:
                    raise ModelError(f"{label}: attribute {name} is {value!r}, must be left out")
                continue
            if name in entry.only and value not in entry.only[name]:
                allowed = " or ".join(repr(choice) for choice in entry.only[name])
                raise ModelError(f"{label}: attribute {name} is {value!r}, must be {allowed}")
            if isinstance(value, onnx.TensorProto):
                constant = f"{node.output[0]}/{name}"
                self.constants[constant] = numpy_helper.to_array(value)
                value = self._buffer(constant)
            attributes[name] = value
        return attributes


def _plain(value: Any) -> Any:
    """Give an attribute's value without numpy and bytes."""
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, (int, float, str, onnx.TensorProto)) else list(value)


def _constant_value(node: onnx.NodeProto) -> np.ndarray:
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return numpy_helper.to_array(value)
    types: dict[str, Any] = {"value_int": np.int64, "value_ints": np.int64}
    types |= {"value_float": np.float32, "value_floats": np.float32}
    if attribute.name not in types:
        raise ModelError(f"node {node.name!r} (Constant): {attribute.name} is no tensor of numbers")
    return np.array(value, types[attribute.name])


def _layer_key(node: onnx.NodeProto) -> tuple[Any, ...]:
    """What nodes of one module have in common."""
    attributes = sorted(attribute.SerializeToString() for attribute in node.attribute)
    return module_scope(node), node.op_type, tuple(node.input[1:]), tuple(attributes)


def _layer_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Attributes of a node as the torch operator takes them."""
    from lgnx.torch.group_sum import ELEMENT_TYPES

    given = {a.name: _plain(helper.get_attribute_value(a)) for a in node.attribute}
    if "strict" in given:
        given["strict"] = bool(given["strict"])
    if "dtype" in given:
        types = {number: dtype for dtype, number in ELEMENT_TYPES.items()}
        given["dtype"] = types[given["dtype"]]
    return given
