"""What the operators with windows and trees have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from lgnx.verify.conformance.case import Case, SeenIn
from lgnx.verify.conformance.make import Random

FIXED = ("indices", "tables")


def tree(
    random: Random,
    channels: int,
    kernel_shape: Sequence[int],
    kernels: int = 3,
    k: int = 2,
    depth: int = 1,
    dtype: str = "int32",
) -> dict[str, np.ndarray]:
    """Random trees over a window."""
    width = channels * int(np.prod(kernel_shape))
    nodes = sum(k**level for level in range(depth))
    return {
        "indices": random.integers(0, width, (kernels, k**depth), dtype),
        "tables": random.tables(k, kernels, nodes),
    }


def tree_cases(case: partial[Case], operator: str) -> Iterator[Case]:
    """Give cases of every size of a tree, of every type of index, and of fed trees."""
    for k in range(1, 17):
        random = Random(f"{operator} k {k}")
        data = {"x": random.bits(5, 3, 4, 4), **tree(random, 3, (3, 3), k=k)}
        yield case(f"k_{k}", f"k = {k}, one level", data, constants=FIXED, kernel_shape=[3, 3])
    for k, depth in (
        (1, 2),
        (1, 3),
        (2, 2),
        (2, 3),
        (2, 5),
        (3, 2),
        (3, 3),
        (4, 2),
        (6, 2),
        (8, 2),
    ):
        random = Random(f"{operator} k {k} depth {depth}")
        data = {"x": random.bits(65, 2, 5), **tree(random, 2, (3,), k=k, depth=depth)}
        yield case(
            f"k_{k}_depth_{depth}",
            f"k = {k}, {depth} levels",
            data,
            constants=FIXED,
            kernel_shape=[3],
            depth=depth,
        )
    random = Random(f"{operator} trees")
    for k, depth in ((1, 1), (2, 2), (6, 1)):
        data = {"x": random.bits(3, 2, 4, 4), **tree(random, 2, (2, 2), 4, k, depth, "uint16")}
        yield case(
            f"uint16_k_{k}_depth_{depth}",
            "uint16 indices",
            data,
            constants=FIXED,
            kernel_shape=[2, 2],
            depth=depth,
        )
    for kernels in (1, 63, 64, 65):
        data = {"x": random.bits(2, 2, 4), **tree(random, 2, (2,), kernels)}
        yield case(
            f"kernels_{kernels}", f"{kernels} kernels", data, constants=FIXED, kernel_shape=[2]
        )
    for dtype in ("int32", "uint16"):
        sets = [
            {"x": random.bits(n, 2, 4), **tree(random, 2, (2,), k=2, depth=2, dtype=dtype)}
            for n in (1, 65)
        ]
        yield case(
            f"fed_trees_{dtype}",
            "indices and tables that are no initializers",
            *sets,
            kernel_shape=[2],
            depth=2,
        )
    sets = [
        {"x": random.bits(2, 2, 4), **tree(random, 2, (2,), kernels=n, k=k, depth=2)}
        for n, k in ((1, 2), (4, 3))
    ]
    yield case(
        "fed_trees_of_any_size",
        "fed indices and tables of dynamic shape",
        *sets,
        kernel_shape=[2],
        depth=2,
    )


def input_cases(case: partial[Case], operator: str, trees: bool = True) -> Iterator[Case]:
    """Give cases of every corner batch, of constant data, and of dynamic axes."""
    random = Random(f"{operator} inputs")
    layer = tree(random, 2, (2, 2), k=2, depth=2) if trees else {}
    a: dict[str, Any] = {"kernel_shape": [2, 2], **({"depth": 2} if trees else {})}
    constants = FIXED if trees else ()
    sets = [{"x": random.bits(n, 2, 3, 4), **layer} for n in (0, 1, 63, 64, 65)]
    yield case("batches", "every corner batch", *sets, constants=constants, **a)
    for data in sets:
        n = len(data["x"])
        yield case(f"static_batch_{n}", f"a static batch of {n}", data, constants=constants, **a)
    for name, x in (
        ("zeros", np.zeros((65, 2, 3, 3), bool)),
        ("ones", np.ones((65, 2, 3, 3), bool)),
        ("one_hot", np.eye(18, dtype=bool).reshape(18, 2, 3, 3)),
    ):
        padded = {**a, "pads": [1, 0, 0, 1]}
        yield case(name, name.replace("_", " "), {"x": x, **layer}, constants=constants, **padded)
    sets = [
        {"x": random.bits(n, 2, h, w), **layer} for n, h, w in ((1, 2, 2), (65, 3, 5), (0, 4, 2))
    ]
    yield case(
        "dynamic_axes", "batch and spatial axes are dynamic", *sets, constants=constants, **a
    )
    yield case(
        "unknown_extents",
        "no extent of x is declared",
        sets[1],
        constants=constants,
        unknown=["x"],
        **a,
    )
    for channels in (1, 65):
        layer = tree(random, channels, (2,)) if trees else {}
        yield case(
            f"channels_{channels}",
            f"{channels} channels",
            {"x": random.bits(3, channels, 4), **layer},
            constants=constants,
            kernel_shape=[2],
        )


def window_cases(
    case: partial[Case],
    operator: str,
    uses: Sequence[tuple[str, Sequence[int], dict[str, Any]]],
    trees: bool = True,
) -> Iterator[Case]:
    """Give a case for each (name, spatial extents of x, attributes)."""
    for name, spatial, attributes in uses:
        random = Random(f"{operator} {name}")
        kernel = attributes["kernel_shape"]
        depth = attributes.get("depth", 1)
        layer = tree(random, 2, kernel, k=2, depth=depth) if trees else {}
        data = {"x": random.bits(9, 2, *spatial), **layer}
        text = ", ".join(f"{key} {value}" for key, value in attributes.items())
        yield case(
            name,
            f"x of {list(spatial)}: {text}",
            data,
            constants=FIXED if trees else (),
            **attributes,
        )


def window_errors(error: partial[Case], names: Sequence[str], trees: bool = True) -> Iterator[Case]:
    """Give what is wrong with the attributes of a window, and x of a wrong rank or type.

    Parameters
    ----------
    names
        Attributes with an entry for each axis.
    """
    random = Random("window errors")
    constants = FIXED if trees else ()
    layer = tree(random, 2, (2, 2)) if trees else {}
    data = {"x": random.bits(3, 2, 5, 5), **layer}

    def make(name: str, field: str, covers: str, **changes: Any) -> Case:
        attributes = {"kernel_shape": [2, 2], **changes}
        return error(name, covers, field, "node", data, constants=constants, **attributes)

    yield make("empty_kernel_shape", "kernel_shape", "kernel_shape is empty", kernel_shape=[])
    yield make("kernel_of_0", "kernel_shape", "an entry of kernel_shape is 0", kernel_shape=[2, 0])
    four = {"x": random.bits(3, 2, 4, 4, 4, 4), **layer}
    yield error(
        "four_axes",
        "four spatial axes",
        "kernel_shape",
        "node",
        four,
        constants=constants,
        kernel_shape=[2, 2, 1, 1],
    )
    yield error(
        "without_kernel_shape",
        "kernel_shape is missing",
        "kernel_shape",
        "node",
        data,
        constants=constants,
    )
    for name in names:
        entries, least = (4, 0) if name == "pads" else (2, 0 if name == "output_padding" else 1)
        yield make(
            f"short_{name}", name, f"{name} has too few entries", **{name: [1] * (entries - 1)}
        )
        yield make(
            f"long_{name}", name, f"{name} has too many entries", **{name: [1] * (entries + 1)}
        )
        yield make(
            f"small_{name}",
            name,
            f"{name} holds {least - 1}",
            **{name: [least] * (entries - 1) + [least - 1]},
        )
    flat = {**data, "x": data["x"][0]}
    yield error(
        "rank_3",
        "x has an axis too few",
        "x",
        "node",
        flat,
        constants=constants,
        kernel_shape=[2, 2],
    )
    numbers = {**data, "x": data["x"].astype(np.uint8)}
    yield error(
        "numbers",
        "numbers in place of bits",
        "x",
        "node",
        numbers,
        constants=constants,
        kernel_shape=[2, 2],
    )
    yield error(
        "unknown_attribute",
        "an attribute that the operator does not have",
        "auto_pad",
        "file",
        data,
        constants=constants,
        kernel_shape=[2, 2],
        auto_pad="VALID",
    )


def room_errors(error: partial[Case], trees: bool = True) -> Iterator[Case]:
    """Give windows that are larger than x with its padding."""
    random = Random("room errors")
    layer = tree(random, 2, (3, 3)) if trees else {}
    constants = FIXED if trees else ()
    data = {"x": random.bits(2, 2, 4, 2), **layer}
    yield error(
        "large_window",
        "a window larger than x",
        "kernel_shape",
        "node",
        data,
        constants=constants,
        kernel_shape=[3, 3],
    )
    yield error(
        "fed_small_x",
        "fed x is smaller than the window",
        "x",
        "data",
        data,
        constants=constants,
        unknown=["x"],
        kernel_shape=[3, 3],
    )


def tree_errors(error: partial[Case]) -> Iterator[Case]:
    """Give indices and tables that are no trees over the window."""
    random = Random("tree errors")
    x = random.bits(3, 2, 4)
    good = tree(random, 2, (2,), kernels=3, k=2, depth=2)
    indices, tables = good["indices"], good["tables"]

    def make(
        name: str,
        field: str,
        covers: str,
        seen_in: SeenIn = "node",
        depth: int = 2,
        **changes: np.ndarray,
    ) -> Case:
        data = {"x": x, **good, **changes}
        return error(
            name, covers, field, seen_in, data, constants=FIXED, kernel_shape=[2], depth=depth
        )

    yield make("depth_0", "depth", "depth is 0", depth=0)
    yield make("index_beyond_window", "indices", "an index beyond the window", indices=indices + 4)
    yield make("negative_index", "indices", "a negative index", indices=indices - 4)
    yield make("flat_indices", "indices", "indices of rank 1", indices=indices[0])
    yield make(
        "no_kernels", "indices", "no kernels", "file", indices=indices[:0], tables=tables[:0]
    )
    yield make("three_leaves", "indices", "3 leaves of 2 levels", indices=indices[:, :3])
    yield make("k_17", "indices", "k = 17", depth=1, indices=np.zeros((3, 17), np.int32))
    yield make("few_trees", "tables", "fewer tables than kernels", tables=tables[:2])
    yield make("few_nodes", "tables", "fewer tables than nodes", tables=tables[:, :2])
    yield make("wide_tables", "tables", "tables of more inputs", tables=np.tile(tables, (1, 1, 2)))
    yield make("flat_tables", "tables", "tables of rank 2", tables=tables[..., 0])
    yield make(
        "too_many_leaves",
        "indices",
        "5^7 leaves",
        depth=7,
        indices=np.zeros((1, 5**7), np.uint16),
        tables=np.zeros((1, (5**7 - 1) // 4, 4), np.uint8),
    )
    beyond = tables.copy()
    beyond[1, 2] = 0x18
    yield make("bits_beyond", "tables", "bits beyond the 2^k of a table", "file", tables=beyond)
    yield make("int64_indices", "indices", "int64 indices", indices=indices.astype(np.int64))
    yield make("int8_tables", "tables", "int8 tables", tables=tables.astype(np.int8))
    for name, field, changes in (
        ("index_beyond_window", "indices", {"indices": indices + 4}),
        ("negative_index", "indices", {"indices": indices - 4}),
        ("few_nodes", "tables", {"tables": tables[:, :2]}),
    ):
        yield error(
            f"fed_{name}",
            "the same in fed data",
            field,
            "data",
            {"x": x, **good, **changes},
            unknown=["x", *FIXED],
            kernel_shape=[2],
            depth=2,
        )
    yield error(
        "few_channels",
        "fed x of fewer channels than the indices want",
        "indices",
        "data",
        {"x": x[:, :1], **good, "indices": np.full((3, 4), 3, np.int32)},
        constants=FIXED,
        unknown=["x"],
        kernel_shape=[2],
        depth=2,
    )
