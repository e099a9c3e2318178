"""Cases of LogicDense."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from lgnx.verify.conformance.case import Case, SeenIn
from lgnx.verify.conformance.make import BATCHES, Random, error_case, output_case

_case, _error = partial(output_case, "LogicDense"), partial(error_case, "LogicDense")
_FIXED = ("indices", "tables")


def cases() -> Iterator[Case]:
    """Give the cases."""
    yield from _functions()
    yield from _sizes()
    yield from _inputs()
    yield from _errors()


def _layer(random: Random, width: int, n: int, k: int, dtype: str = "int32") -> dict[str, Any]:
    return {"indices": random.integers(0, width, (n, k), dtype), "tables": random.tables(k, n)}


def _functions() -> Iterator[Case]:
    for k in (1, 2, 3):
        rows = np.arange(2**k)
        x = (rows[:, None] >> np.arange(k) & 1).astype(bool)
        tables = np.arange(2**2**k, dtype=np.uint8)[:, None]
        indices = np.tile(np.arange(k, dtype=np.int32), (len(tables), 1))
        data = {"x": x, "indices": indices, "tables": tables}
        yield _case(
            f"all_functions_of_{k}",
            f"every function of {k} inputs at every address",
            data,
            constants=_FIXED,
        )
    for dtype in ("int32", "uint16"):
        for k in range(1, 17):
            random = Random(f"dense {dtype} {k}")
            layer = _layer(random, 20, 7, k, dtype)
            yield _case(
                f"k_{k}_{dtype}",
                f"k = {k}, {dtype} indices",
                {"x": random.bits(65, 20), **layer},
                constants=_FIXED,
            )


def _sizes() -> Iterator[Case]:
    random = Random("dense sizes")
    for k in (2, 6):
        layer = _layer(random, 9, 11, k)
        yield _case(
            f"batches_k_{k}",
            "every corner batch",
            *({"x": random.bits(n, 9), **layer} for n in BATCHES),
            constants=_FIXED,
        )
    for n in BATCHES:
        data = {"x": random.bits(n, 5), **_layer(random, 5, 3, 3)}
        yield _case(f"static_batch_{n}", f"a static batch of {n}", data, constants=_FIXED)
    for n in (1, 63, 64, 65, 200):
        data = {"x": random.bits(3, n), **_layer(random, n, n, 4)}
        yield _case(f"width_{n}", f"{n} bits in and out", data, constants=_FIXED)
    layer = {"indices": np.zeros((2, 4), np.int32), "tables": random.tables(4, 2)}
    data = {"x": random.bits(65, 1), **layer}
    yield _case("one_bit_read_four_times", "width 1, equal indices", data, constants=_FIXED)
    layer = _layer(random, 1 << 16, 3, 2, "uint16")
    layer["indices"][0] = [0, 65535]
    data = {"x": random.bits(2, 1 << 16), **layer}
    yield _case("largest_uint16", "index 65535 of uint16", data, constants=_FIXED)
    layer = _layer(random, 4, 6, 2)
    for rank, shape in ((1, (4,)), (3, (5, 2, 4)), (4, (3, 2, 2, 4))):
        data = {"x": random.bits(*shape), **layer}
        yield _case(f"rank_{rank}", f"x of rank {rank}", data, constants=_FIXED)
    yield _case(
        "dynamic_axes",
        "more than one dynamic axis",
        *({"x": random.bits(*s, 4), **layer} for s in ((1, 1), (65, 2), (0, 3))),
        constants=_FIXED,
    )


def _inputs() -> Iterator[Case]:
    random = Random("dense inputs")
    layer = _layer(random, 8, 10, 3)
    for name, x in (
        ("zeros", np.zeros((65, 8), bool)),
        ("ones", np.ones((65, 8), bool)),
        ("one_hot", np.eye(8, dtype=bool)),
    ):
        yield _case(name, f"{name.replace('_', ' ')}", {"x": x, **layer}, constants=_FIXED)
    for dtype in ("int32", "uint16"):
        sets = [{"x": random.bits(n, 8), **_layer(random, 8, 10, 3, dtype)} for n in (1, 65)]
        yield _case(f"fed_layer_{dtype}", "indices and tables that are no initializers", *sets)
    sizes = [{"x": random.bits(3, n), **_layer(random, n, n + 1, k)} for n, k in ((4, 2), (9, 5))]
    yield _case("fed_layers_of_any_size", "fed indices and tables of dynamic shape", *sizes)
    yield _case(
        "fed_indices",
        "constant tables, fed indices",
        *(
            {"x": random.bits(5, 8), **layer, "indices": _layer(random, 8, 10, 3)["indices"]}
            for _ in range(2)
        ),
        constants=["tables"],
    )
    yield _case(
        "fed_tables",
        "constant indices, fed tables",
        *({"x": random.bits(5, 8), **layer, "tables": random.tables(3, 10)} for _ in range(2)),
        constants=["indices"],
    )
    yield _case(
        "unknown_extents",
        "no extent of x is declared",
        {"x": random.bits(5, 8), **layer},
        constants=_FIXED,
        unknown=["x"],
    )


def _errors() -> Iterator[Case]:
    x = np.zeros((3, 4), bool)
    indices, tables = np.array([[0, 1], [1, 2]], np.int32), np.array([[8], [6]], np.uint8)

    def error(
        name: str, field: str, covers: str, seen_in: SeenIn = "node", **changes: np.ndarray
    ) -> Case:
        data = {"x": x, "indices": indices, "tables": tables, **changes}
        return _error(name, covers, field, seen_in, data, constants=_FIXED)

    yield error("index_beyond_x", "indices", "an index beyond the bits of x", indices=indices + 2)
    yield error("negative_index", "indices", "a negative index", indices=indices - 1)
    yield error("flat_indices", "indices", "indices of rank 1", indices=indices[:, 0])
    yield error(
        "no_neurons", "indices", "no neurons", "file", indices=indices[:0], tables=tables[:0]
    )
    yield error("k_17", "indices", "k = 17", indices=np.zeros((2, 17), np.int32))
    yield error("k_0", "indices", "k = 0", indices=indices[:, :0])
    yield error("few_tables", "tables", "fewer tables than neurons", tables=tables[:1])
    yield error("wide_tables", "tables", "tables of more inputs", tables=np.tile(tables, (1, 2)))
    yield error("flat_tables", "tables", "tables of rank 1", tables=tables[:, 0])
    yield error(
        "bits_beyond",
        "tables",
        "bits beyond the 2^k of a table",
        "file",
        tables=np.array([[8], [0x16]], np.uint8),
    )
    yield error("int64_indices", "indices", "int64 indices", indices=indices.astype(np.int64))
    yield error("int8_tables", "tables", "int8 tables", tables=tables.astype(np.int8))
    yield error("numbers", "x", "numbers in place of bits", x=x.astype(np.uint8))
    yield error("scalar", "x", "x of rank 0", x=np.array(True))
    good = {"x": x, "indices": indices, "tables": tables}
    yield _error(
        "unknown_attribute",
        "an attribute that the operator does not have",
        "k",
        "file",
        good,
        constants=_FIXED,
        k=2,
    )
    newer = _error(
        "newer_version",
        "a version of the opset that no release has",
        "opset_import",
        "file",
        good,
        constants=_FIXED,
    )
    newer.model.opset_import[1].version = 999
    yield newer
    no_import = _error(
        "no_import",
        "a file that does not import the opset",
        "opset_import",
        "file",
        good,
        constants=_FIXED,
    )
    del no_import.model.opset_import[1]
    yield no_import
    yield from _malformed(good)
    for name, field, change in (
        ("index_beyond_x", "indices", {"indices": indices + 2}),
        ("negative_index", "indices", {"indices": indices - 1}),
        ("few_tables", "tables", {"tables": tables[:1]}),
    ):
        yield _error(
            f"fed_{name}",
            "the same in fed data",
            field,
            "data",
            {**good, **change},
            unknown=["x", *_FIXED],
        )
    narrow = {**good, "x": x[:, :2]}
    yield _error(
        "narrow_x",
        "fed bits that are fewer than the indices want",
        "indices",
        "data",
        narrow,
        constants=_FIXED,
        unknown=["x"],
    )


def _malformed(good: dict[str, np.ndarray]) -> Iterator[Case]:
    """Files that are wrong whatever the operator."""

    def make(name: str, field: str, covers: str) -> Case:
        return _error(name, covers, field, "file", good, constants=_FIXED)

    case = make("unknown_operator", "op_type", "an operator that the opset does not have")
    case.node.op_type = "LogicDance"
    yield case
    case = make("missing_input", "tables", "a required input is missing")
    del case.node.input[2]
    yield case
    case = make("empty_input", "tables", "a required input has no name")
    case.node.input[2] = ""
    yield case
    case = make("too_many_inputs", "inputs", "more inputs than the operator takes")
    case.node.input.append("tables")
    yield case
    case = make("short_initializer", "indices", "an initializer with too few bytes")
    case.model.graph.initializer[0].raw_data = b"\0" * 7
    yield case
