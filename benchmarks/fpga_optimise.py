"""Look-up tables that yosys needs for a network as it is and as `lgnx optimize --for fpga` has it.

    python benchmarks/fpga_optimise.py HEP DIGITS S

For each network the RTL of the unoptimised netlist and of the mapped one go through the same
script of yosys, which flattens. Prints a table of Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import install_peers

sys.path.insert(0, str(install_peers.PEERS))  # before anything imports torchlogix

import hardware_networks
import networks
import onnx
from hardware_measure import FLOWS, synthesise

from lgnx.converters.verilog import write_rtl
from lgnx.network import Network
from lgnx.optimize.fpga import optimize_for_fpga
from lgnx.verify.rtl import read_rtl
from lgnx.verify.rtl_proof import prove_rtl

HEAD = "| network | yosys | tables: alone | mapped | gain | levels: alone | mapped |"


def main() -> None:
    """Measure the networks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", help="HEP, S, DIGITS, of hardware_networks, or files")
    parser.add_argument("--flows", default="lut6,xilinx")
    parser.add_argument("--effort", default="medium")
    parser.add_argument("--prove", action="store_true", help="prove the mapped RTL, too")
    options = parser.parse_args()
    print(HEAD, "|---|---|--:|--:|--:|--:|--:|", sep="\n", flush=True)
    for name in options.names:
        measure(name, options.flows.split(","), options.effort, options.prove)


def measure(name: str, flows: list[str], effort: str, prove: bool) -> None:
    """Print the rows of one network."""
    path = Path(name)
    model = _model(name)
    with tempfile.TemporaryDirectory(prefix="lgnx-") as folder:
        started = time.perf_counter()
        mapped, (report,) = optimize_for_fpga(model, effort=effort)
        took = time.perf_counter() - started
        forms = {}
        for kind, each in (("plain", model), ("mapped", mapped)):
            network = Network.from_model(each)
            floats = network.input_dtype.kind == "f"
            forms[kind] = Path(folder) / kind
            write_rtl(
                network,
                forms[kind],
                input_format="fixed<16,8>" if floats else None,
                outputs="scores" if network.groups else None,
            )
        for flow in flows:
            rows = [_synthesise(forms[kind], flow) for kind in ("plain", "mapped")]
            (a, b), levels = [row["luts"] for row in rows], [f"{row['levels']}" for row in rows]
            cells = [path.stem, f"`{FLOWS[flow][0]}`", f"{a:,}", f"{b:,}", f"{1 - b / a:.0%}"]
            print(f"| {' | '.join([*cells, *levels])} |", flush=True)
        print(
            f"<!-- {path.stem}: {report.nodes_before} gates, depth {report.depth_before}; "
            f"{report.luts_before} tables of cuts; "
            f"{report.luts_after} with counts, depth {report.depth_after}, {report.status}, "
            f"{took:.0f} s -->",
            flush=True,
        )
        if prove:
            print(f"<!-- RTL: {prove_rtl(forms['mapped'], mapped).status} -->", flush=True)


def _model(name: str) -> onnx.ModelProto:
    if name.endswith(".onnx"):
        return onnx.load(name)
    if name != "HEP" and name in hardware_networks.NAMES:
        return hardware_networks.load(name).model
    return networks.network(name).model()


def _synthesise(folder: Path, flow: str) -> dict[str, Any]:
    rtl = read_rtl(folder)
    return synthesise(rtl.files, rtl.top, flow)


if __name__ == "__main__":
    main()
