"""What streaming designs cost: against the size of the image, and against folding factors.

Writes designs of torchlogix's kind of layers with random gates, has yosys map them for 7 series
FPGAs, and prints tables in Markdown: of docs/streaming.md.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lgnx.converters.verilog.streaming import plan_stream, write_streaming
from lgnx.converters.verilog.streaming.resources import estimate_layers
from lgnx.converters.yosys_run import run_yosys
from lgnx.ops import DOMAIN

COMMANDS = (
    "blackbox {top}_tail",  # a dense design, of which lgnx estimate tells
    "hierarchy -top {top}",
    "uniquify",  # so that a module counts as often as it is used
    "synth_xilinx -family xc7 -noiopad -noclkbuf -top {top}",
    "stat",
)
CELLS = {
    "LUTs": r"LUT[1-6]|INV",
    "registers": r"FD[RSCP]E\w*",
    "LUT-RAM": r"RAM(32|64|128|256)\w+|SRL\w+",
    "BRAM": r"RAMB\w+",
}


def model(size: int, channels: int = 3, dense: int = 200, seed: int = 0) -> onnx.ModelProto:
    """Two convolutions of trees of 8 leaves, each with a pooling, and a dense layer."""
    rng = np.random.default_rng(seed)
    nodes, constants, width = [], [], channels
    value, extent = "x", size

    def constant(array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(array, f"c{len(constants)}"))
        return constants[-1].name

    def node(op: str, inputs: list[str], **attributes: object) -> str:
        name = f"{op}_{len(nodes)}"
        domain = "" if op == "Flatten" else DOMAIN
        nodes.append(helper.make_node(op, inputs, [name], name, domain=domain, **attributes))
        return name

    for kernels in (16, 48):
        # Kernels read neighbouring channels only, as torchlogix's do, and every bit is different.
        indices = np.stack([rng.permutation(9 * width)[:8] for _ in range(kernels)])
        tables = rng.integers(1, 15, (kernels, 7, 1)).astype(np.uint8)
        value = node(
            "LogicConv",
            [value, constant(indices.astype(np.int32)), constant(tables)],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            depth=3,
        )
        value = node("OrPool", [value], kernel_shape=[2, 2], strides=[2, 2])
        width, extent = kernels, extent // 2
    value = node("Flatten", [value])
    inputs = width * extent**2
    indices = rng.integers(0, inputs, (dense, 2)).astype(np.int32)
    tables = rng.integers(1, 15, (dense, 1)).astype(np.uint8)
    value = node("LogicDense", [value, constant(indices), constant(tables)])
    value = node("GroupSum", [value], groups=10, dtype=TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.BOOL, ["b", channels, size, size])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["b", 10])],
        constants,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def mapped(folder: Path, top: str, files: list[str]) -> dict[str, dict[str, int]]:
    """Cells of each part of a design."""
    commands = [f"read_verilog {' '.join(files)}", *(c.format(top=top) for c in COMMANDS)]
    log = run_yosys(commands, folder, top, timeout=1500, memory=8192)
    parts: dict[str, dict[str, int]] = {}
    for section in log[log.rindex("Printing statistics") :].split("=== ")[1:]:
        name = section.split(" ===")[0]
        if name == "design hierarchy" or name == f"{top}_tail":
            continue
        found = [part for part in ("collector",) if f"{top}.{part}" in name]
        counts = parts.setdefault(found[0] if found else "layers", dict.fromkeys(CELLS, 0))
        for number, cell in re.findall(r"^ +(\d+) +(?:\S+ +)?(\w+) *$", section, re.M):
            for kind, pattern in CELLS.items():
                if re.fullmatch(pattern, cell):
                    counts[kind] += int(number)
    return parts


def measure(size: int, positions: int = 1) -> None:
    """Print a row for each part of a design."""
    made = model(size)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "rtl"
        sidecar = write_streaming(made, folder, positions_per_cycle=positions)
        guess = estimate_layers(plan_stream(made, positions_per_cycle=positions))
        head = f"| {size} x {size} | {positions} | {sidecar['initiation_interval']} |"
        parts = mapped(folder, "lgnx_top", sidecar["files"])
        for what, counts in parts.items():
            print(head, what, *(f"| {counts[name]}" for name in CELLS), "|", flush=True)
        total = {name: sum(counts[name] for counts in parts.values()) for name in CELLS}
        print(head, "all", *(f"| {total[name]}" for name in CELLS), "|", flush=True)
        print(f"{head} model | {guess.luts} | {guess.registers} | {guess.memory_bits} bits | |")


def shared_kernels(pairs: int = 32) -> None:
    """Print what two kernels cost apart, and as one whose gates and inputs a counter selects."""
    rng = np.random.default_rng(1)
    apart, shared = [], []
    for k in range(pairs):
        tables = rng.integers(1, 15, (2, 7))
        leaves = np.stack([rng.permutation(144)[:8] for _ in range(2)])
        for which in (0, 1):
            names = [f"x[{leaf}]" for leaf in leaves[which]]
            own = [[f"1'b{table >> j & 1}" for j in range(4)] for table in tables[which].tolist()]
            apart.append(f"  assign y[{2 * k + which}] = {_tree(names, own)};")
        names = [f"(which ? x[{b}] : x[{a}])" for a, b in leaves.T]
        bits = (tables[:, :, None] >> np.arange(4)) & 1
        chosen = [[f"(which ? 1'b{b} : 1'b{a})" for a, b in pair.T] for pair in bits.swapaxes(0, 1)]
        shared.append(f"  assign y[{k}] = {_tree(names, chosen)};")
    print("| kernels | LUTs |", "|---|---|", sep="\n")
    for what, lines, outputs in (("apart", apart, 2 * pairs), ("shared", shared, pairs)):
        with tempfile.TemporaryDirectory() as temporary:
            text = f"module m (input which, input [143:0] x, output [{outputs - 1}:0] y);\n"
            Path(temporary, "m.v").write_text(
                text + "\n".join([*lines, "endmodule", "module m_tail; endmodule", ""])
            )
            luts = mapped(Path(temporary), "m", ["m.v"])["layers"]["LUTs"]
            print(f"| {2 * pairs}, {what} | {luts} |", flush=True)


def _tree(names: list[str], tables: list[list[str]]) -> str:
    """A tree of tables of two inputs, each given by its four bits."""
    left = list(tables)
    while len(names) > 1:
        level = []
        for a, b in zip(names[::2], names[1::2], strict=True):
            t = left.pop(0)
            level.append(f"({b} ? ({a} ? {t[3]} : {t[2]}) : ({a} ? {t[1]} : {t[0]}))")
        names = level
    return names[0]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--positions", type=int, nargs="+", default=[1, 2, 4])
    given = parser.parse_args()
    shared_kernels()
    print("\n| image | positions | clocks | part | LUTs | registers | LUT-RAM | BRAM |")
    print("|---|---|---|---|---|---|---|---|")
    for size in given.sizes:
        measure(size)
    for positions in given.positions:
        if positions > 1:
            measure(given.sizes[0], positions)


if __name__ == "__main__":
    main()
