"""What an operator is made of, and how its parts are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import defs, helper, parser

DOMAIN = "lgnx.ops"
VERSION = 1  # of the opset; docs/versioning.md says when it grows

FLOATS = ("tensor(float16)", "tensor(float)", "tensor(double)")
INTEGERS = tuple(f"tensor({sign}int{bits})" for sign in ("", "u") for bits in (8, 16, 32, 64))

Dims = list[Any]  # int, symbolic name or None
InferShape = Callable[[Any], None]
Adapter = Callable[[onnx.NodeProto], Sequence[onnx.NodeProto]]
"""Gives the nodes that take the place of one; raises InputError where none can."""


@dataclass(frozen=True)
class NodeView:
    """A node as `lgnx.check` sees it.

    Attributes
    ----------
    attributes
        Attribute values, defaults filled in.
    constants
        Constant inputs by input name.
    shapes
        Known shapes by input name: a list with an int or None for each axis.
    dtypes
        Known numpy dtypes by input name.
    inputs
        Names of the formal inputs that are present.
    """

    attributes: Mapping[str, Any]
    constants: Mapping[str, np.ndarray]
    shapes: Mapping[str, list[int | None]]
    dtypes: Mapping[str, np.dtype]
    inputs: frozenset[str]


Finding = tuple[str, str, str]
"""Severity, field, message."""


def no_more_defaults(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """For operators whose defaults all stand in the schema."""
    return {}


def no_findings(node: NodeView) -> Iterator[Finding]:
    """For operators of which onnx itself checks everything."""
    return iter(())


def check_groups(groups: int, width: int | None) -> Iterator[Finding]:
    """Find a number of groups that does not divide the bits."""
    if groups < 1:
        yield "error", "attribute groups", f"is {groups}, must be at least 1"
    elif width is not None and width % groups:
        yield "error", "attribute groups", f"is {groups}, which does not divide {width} bits"


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator of the opset.

    Attributes
    ----------
    schema
        As registered with onnx; holds name, documentation, types and attributes.
    reference
        numpy implementation: takes the input arrays (None for an absent optional one), attributes
        as keywords, and returns the output array.
    body
        Gives the function body in ONNX's textual syntax for a use of the operator. The argument
        says what the use looks like (`body_variant`); None for the plain variant.
    check
        Yields what onnx's own checker cannot see.
    more_defaults
        Gives the defaults that depend on other attributes; its argument has those that are given.
    formula
        The exact semantics, for the documentation.
    output_shape
        Element type and extents of the output as formulas, for the documentation; what `schema`
        infers.
    example
        Inputs (a list of arrays) and attributes of a small example.
    caption
        What the example shows, for the documentation.
    notes
        The corner cases, for the documentation: a sentence or two each.
    constants
        The inputs that must be constant, and for what: "always", or "to lower" for those that
        body and kernel take computed, but a netlist does not.
    from_previous, to_previous
        Adapters from and to the version of the opset before this form of the operator.
    """

    schema: defs.OpSchema
    reference: Callable[..., np.ndarray]
    body: Callable[[onnx.NodeProto | None], str]
    formula: str
    output_shape: str
    example: tuple[Sequence[np.ndarray | None], Mapping[str, Any]]
    caption: str
    notes: Sequence[str] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[NodeView], Iterator[Finding]] = no_findings
    more_defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]] = no_more_defaults
    from_previous: Adapter | None = None
    to_previous: Adapter | None = None

    @property
    def name(self) -> str:
        """Name of the operator."""
        return self.schema.name

    def with_defaults(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give attributes by name with every default filled in, in the order of the names."""
        fixed = {
            name: helper.get_attribute_value(value.default_value)
            for name, value in sorted(self.schema.attributes.items())
            if value.default_value.name
        }
        return {**fixed, **self.more_defaults(given), **given}

    def function(self, node: onnx.NodeProto | None = None, opset: int = 18) -> onnx.FunctionProto:
        """Give the function body.

        Parameters
        ----------
        node
            A use of the operator, for those whose body depends on which inputs and attributes a
            node has.
        opset
            Version of the default domain that the body imports, 18 or later.
        """
        text = f'<domain: "{DOMAIN}", opset_import: ["" : {opset}]>\n{self.body(node)}'
        return parser.parse_function(text)


def attribute(
    name: str, default: Any, description: str, *, required: bool = True
) -> defs.OpSchema.Attribute:
    """Describe an attribute; ``default`` is a type name ("INT") for one without a fixed default."""
    if isinstance(default, str):
        kind = getattr(defs.OpSchema.AttrType, default)
        return defs.OpSchema.Attribute(name, kind, description, required=required)
    return defs.OpSchema.Attribute(name, helper.make_attribute(name, default), description)


def schema(
    name: str,
    doc: str,
    inputs: Sequence[tuple[str, str, str]],
    output: tuple[str, str],
    infer: InferShape,
    types: Mapping[str, Sequence[str]] | None = None,
    attributes: Sequence[defs.OpSchema.Attribute] = (),
    optional: Sequence[str] = (),
    since: int = 1,
) -> defs.OpSchema:
    """Make a schema with one output named y.

    Parameters
    ----------
    inputs
        Name, type and description of each.
    output
        Type and description.
    infer
        Shape inference; it must leave the output alone where it cannot tell.
    types
        Type constraints by name.
    optional
        Names of the inputs that may be absent.
    since
        Version of the opset that brings the operator in this form.
    """
    option = defs.OpSchema.FormalParameterOption
    result = defs.OpSchema(
        name,
        DOMAIN,
        since,
        doc=doc,
        inputs=[
            defs.OpSchema.FormalParameter(
                n, t, d, param_option=option.Optional if n in optional else option.Single
            )
            for n, t, d in inputs
        ],
        outputs=[defs.OpSchema.FormalParameter("y", *output)],
        type_constraints=[(n, list(t), "") for n, t in (types or {}).items()],
        attributes=list(attributes),
    )
    result.set_type_and_shape_inference_function(infer)
    return result


def input_dims(context: Any, index: int) -> Dims | None:
    """Dimensions of an input during shape inference; None where the rank is unknown."""
    if index >= context.get_num_inputs():
        return None
    kind = context.get_input_type(index)
    if kind is None or not kind.tensor_type.HasField("shape"):
        return None
    return [
        dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or None)
        for dim in kind.tensor_type.shape.dim
    ]


def attribute_value(context: Any, name: str, default: Any = None) -> Any:
    """Attribute during shape inference."""
    found = context.get_attribute(name)
    return default if found is None else helper.get_attribute_value(found)


def set_output(context: Any, element_type: int, dims: Dims | None) -> None:
    """Set type and shape of the output; ``dims`` None gives the type alone."""
    context.set_output_type(0, helper.make_tensor_type_proto(element_type, dims))
