"""Windows that slide over the spatial axes of a tensor: attributes, extents, and their checks.

The names and the order of the attributes are those of ONNX's Conv and ConvTranspose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lgnx.ops._operator import Dims, Finding, NodeView, attribute, attribute_value, input_dims

MAX_SPATIAL = 3

KERNEL_SHAPE = attribute(
    "kernel_shape",
    "INTS",
    "Extent of the window along each of the d spatial axes, each >= 1; 1 <= d <= 3.",
)
STRIDES = attribute("strides", "INTS", "Step along each spatial axis, each >= 1.", required=False)
DILATIONS = attribute(
    "dilations",
    "INTS",
    "Distance between neighbouring bits of the window along each spatial axis, each >= 1.",
    required=False,
)


def pads_attribute(limit: str) -> Any:
    """Describe the attribute pads; ``limit`` says how large its entries may be."""
    return attribute(
        "pads",
        "INTS",
        "Padding: the d entries of the beginnings of the axes, then the d entries of their ends, "
        f"each >= 0{limit}.",
        required=False,
    )


def defaults_along_axes(**values: int) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Give defaults that repeat a value for each spatial axis (`pads`: for each twice)."""

    def give(given: Mapping[str, Any]) -> Mapping[str, Any]:
        d = len(given.get("kernel_shape", ()))
        return {n: [v] * (2 * d if n == "pads" else d) for n, v in values.items()}

    return give


def span(kernel: int, dilation: int) -> int:
    """Extent of a window with its gaps."""
    return dilation * (kernel - 1) + 1


def extents(spatial: Sequence[Any], extent: Callable[[int, int], int]) -> list[Any]:
    """Apply ``extent`` (of an axis and its size) to the sizes that are known; None for others.

    A symbol of torch counts as known: it can be computed with.
    """
    unknown = (str, type(None))
    return [None if isinstance(n, unknown) else extent(a, n) for a, n in enumerate(spatial)]


def inferred(
    context: Any, defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> tuple[Dims, dict[str, Any]] | None:
    """Give x's dimensions and the attributes during shape inference.

    None where x's rank is unknown, or where lengths do not fit each other.
    """
    names = ("kernel_shape", *defaults({}))
    given = {n: v for n in names if (v := attribute_value(context, n)) is not None}
    a = {**defaults(given), **given}
    x, d = input_dims(context, 0), len(a.get("kernel_shape", ()))
    fits = d and all(len(a[n]) == (2 * d if n == "pads" else d) for n in names)
    return (x, a) if x and len(x) == 2 + d and fits else None


def known(spatial: Sequence[Any]) -> list[Any]:
    """Replace extents that are less than 1, for which there is no output, by None."""
    return [None if n is None or n < 1 else n for n in spatial]


def check_axes(node: NodeView, smallest: Mapping[str, int]) -> Iterator[Finding]:
    """Find attributes of a wrong length or below their smallest value, and an x that does not fit.

    Parameters
    ----------
    smallest
        Smallest value of each attribute that has an entry for each axis (`pads`: two).
    """
    kernel = node.attributes.get("kernel_shape")
    if kernel is None:
        return
    d = len(kernel)
    if not 1 <= d <= MAX_SPATIAL:
        yield "error", "attribute kernel_shape", f"has {d} entries, must have 1 to {MAX_SPATIAL}"
        return
    for name, least in {"kernel_shape": 1, **smallest}.items():
        values = node.attributes.get(name)
        if values is None:
            continue
        entries = 2 * d if name == "pads" else d
        if len(values) != entries:
            yield "error", f"attribute {name}", f"has {len(values)} entries, must have {entries}"
        elif min(values) < least:
            yield (
                "error",
                f"attribute {name}",
                f"holds {min(values)}, must not be less than {least}",
            )
    shape = node.shapes.get("x")
    if shape is not None and len(shape) != 2 + d:
        yield (
            "error",
            "input x",
            f"has {len(shape)} axes, must have {2 + d}: batch, channels and the {d} of the window",
        )


def sound(node: NodeView, *names: str) -> bool:
    """Tell whether attributes are there, of a length that fits, and x has as many axes."""
    kernel = node.attributes.get("kernel_shape")
    shape = node.shapes.get("x")
    if kernel is None or not 1 <= len(kernel) <= MAX_SPATIAL:
        return False
    d = len(kernel)
    lengths = {n: len(node.attributes.get(n, ())) for n in names}
    good = all(length == (2 * d if n == "pads" else d) for n, length in lengths.items())
    return good and min(kernel) >= 1 and (shape is None or len(shape) == 2 + d)
