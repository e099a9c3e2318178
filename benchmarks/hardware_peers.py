"""The Verilog of lgnx beside that of its peers: the same networks, the same outputs and registers.

    python benchmarks/hardware_peers.py --install   # torchlogix and alkaid, once
    python benchmarks/hardware_peers.py             # measure all networks, some minutes
    python benchmarks/hardware_peers.py --report    # write docs/hardware_comparison.md, plot

Every design first answers samples in Verilator as the model does, or is called wrong. Results are
kept in benchmarks/out/hardware.json, so networks may be measured one by one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import install_peers

sys.path.insert(0, str(install_peers.PEERS))  # before anything imports torchlogix

from engines.interface import OUT, UnavailableError
from hardware import all_peers
from hardware.interface import Peer
from hardware_measure import FLOWS, Simulation, synthesise, wrong
from hardware_networks import NAMES, HardwareNetwork, load
from peers_machine import machine
from rich.console import Console

RESULTS = OUT / "hardware.json"
COMPARED, TIMED = 4096, 20_000
CONSOLE = Console(stderr=True, highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--install", action="store_true", help="fetch the peers, once")
    parser.add_argument("--report", action="store_true", help="write the documentation")
    parser.add_argument("--only", metavar="WORD", help="only writers of this name")
    options = parser.parse_args()
    if unknown := set(options.networks) - set(NAMES):
        parser.error(f"no network {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if options.install:
        install_peers.install()
        install_peers.install_alkaid()
    elif not options.report or options.networks:
        for name in options.networks or NAMES:
            compare(load(name), options.only)
    if options.report:
        import hardware_report

        kept = json.loads(RESULTS.read_text())
        hardware_report.write({name: kept[name] for name in NAMES if name in kept})


def compare(net: HardwareNetwork, only: str | None = None) -> None:
    """Measure one network, and keep the results."""
    facts = {"title": net.title, "machine": machine()}
    for peer in all_peers():
        if only and only not in peer.name:
            continue
        try:
            row: dict[str, Any] | str = measure(net, peer)
        except UnavailableError as error:
            row = error.reason
        CONSOLE.print(net.name, peer.name, row)
        keep(net.name, facts, peer.name, row)


def keep(network: str, facts: dict[str, Any], peer: str, row: dict[str, Any] | str) -> None:
    """Put one design into the file of results, in their order; a text says why there is none."""
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    result = results.setdefault(network, {}) | facts
    peers = result.get("peers", {}) | {peer: row}
    order = [each.name for each in all_peers()]
    result["peers"] = {name: peers[name] for name in order if name in peers}
    results[network] = result
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))


def measure(net: HardwareNetwork, peer: Peer) -> dict[str, Any]:
    """Write, check, synthesise and time one design."""
    with tempfile.TemporaryDirectory(prefix="lgnx-peer-") as name:
        folder, built = Path(name) / "verilog", Path(name) / "built"
        folder.mkdir()
        built.mkdir()
        started = time.perf_counter()
        design = peer.write(net, folder)
        row: dict[str, Any] = {
            "own": peer.own,
            "write_seconds": time.perf_counter() - started,
            "gates": design.gates,
            "bytes": design.bytes,
            "latency": design.latency,
            "facts": design.facts,
        }
        with CONSOLE.status(f"{net.name}: {peer.name}: Verilator"):
            simulation = Simulation(design, built)
            x = net.samples(COMPARED)
            row["wrong"] = wrong(simulation, x, net.reference(x))
            row["compared"] = COMPARED
            row["build_seconds"] = simulation.seconds
            row["samples_per_second"] = simulation.speed(net.samples(TIMED))
        for flow in FLOWS:
            with CONSOLE.status(f"{net.name}: {peer.name}: {FLOWS[flow][0]}"):
                row[flow] = synthesise(design.files, design.top, flow)
    return row


if __name__ == "__main__":
    main()
