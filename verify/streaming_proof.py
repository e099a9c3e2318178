"""Proof that a streaming design computes what a model does, under any stalls.

Three things together: every module without memory computes its part of the model; without stalls,
every image of an endless stream gives the model's outputs (`lgnx.verify.image_proof`); and stalls
change nothing (`lgnx.verify.stream_chain`). docs/streaming_proof.md tells how.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lgnx.converters.verilog.logic import COMBINATIONAL_LEVELS
from lgnx.converters.verilog.stages import partition, stages_by_level
from lgnx.converters.verilog.streaming import Plan
from lgnx.converters.verilog.streaming.layers import Layer, compact_kernels
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.netlist.trees import build_trees
from lgnx.network import Network
from lgnx.verify import rtl_reference as reference
from lgnx.verify.image_proof import prove_images
from lgnx.verify.rtl import Rtl
from lgnx.verify.rtl_proof import Claim, Prover, RtlProof, compose
from lgnx.verify.rtl_readback import read_back
from lgnx.verify.same_model import check_same_scaling
from lgnx.verify.stream_chain import prove_chain
from lgnx.verify.stream_plan import plan_of

__all__ = ["operator_netlist", "prove_streaming"]

_LEAVES = ("encoder", "logic", "popcount", "argmax")  # roles of modules without memory

Say = Callable[[str], None]


def prove_streaming(
    rtl: Rtl, model: Any, network: Network, proof: RtlProof, budget: float, say: Say
) -> None:
    """Add the claims of a streaming design to a proof; see `lgnx.verify.rtl_proof.prove_rtl`."""
    assert rtl.stream is not None
    assert rtl.tail is not None
    check_same_scaling(rtl, network.metadata, "the model")
    plan = plan_of(rtl, model)
    encoder = reference.encoder_of(rtl, network)
    started = time.perf_counter()
    checked = reference.check_decisions(network, encoder)
    say("reading the Verilog back")
    roots = [layer.kernels for layer in rtl.stream.layers if layer.kernels]
    if plan.encoder is not None and plan.encoder.bits:
        roots.append(f"{rtl.top}_encoder")
    modules, proof.tools["yosys"] = read_back(rtl, roots=roots, timeout=budget)
    own = Prover(rtl, network, modules, proof, budget, say)
    if checked and plan.layers:
        own.note(
            f"{checked} thresholds decide at the port as in the model, for every value of the "
            "input format",
            "exact arithmetic at the values around each",
            started,
        )
    if plan.encoder is not None and plan.encoder.bits:
        own.module("encoder", reference.encoder_netlist(plan.encoder))
    for number, layer in enumerate(plan.layers):
        if layer.kernels.netlist is not None:
            _kernels(own, number, layer)
    modules, _ = read_back(rtl.tail, timeout=budget)
    tail = Prover(rtl.tail, plan.tail, modules, proof, budget, say)
    tail.run()
    leaves = {module.name for module in rtl.modules if module.role in _LEAVES}
    known = {
        name: netlist
        for part in (own, tail)
        for name, netlist in part.known.items()
        if name in leaves and not part.modules[name].registers
    }
    _images(rtl, plan, known, proof, budget, say)
    for claim in prove_chain(rtl, budget=budget, progress=say):
        proof.claims.append(Claim(claim.what, claim.status, claim.method, round(claim.seconds, 3)))


def _kernels(own: Prover, number: int, layer: Layer) -> None:
    """Prove the kernels of a layer: its stages, and what they are together."""
    prefix = f"layer{number}"
    name = f"{own.rtl.top}_{prefix}_kernels"
    compact = compact_kernels(layer)
    if compact.n_inputs:
        stages = partition(
            compact, stages_by_level(compact, own.rtl.cutting.every or COMBINATIONAL_LEVELS)
        )
        for place, part in enumerate(stages):
            own.module(f"{prefix}_stage{place}", reference.stage_netlist(compact, part))
    read = own.read(name)
    wanted = operator_netlist(layer)
    own.claim(
        f"module {name}: its parts together are the {len(layer.kernels.kept_out)} kernels of "
        f"{layer.kernels.node.name!r}",
        compose(read, own.known),
        wanted,
    )


def operator_netlist(layer: Layer) -> Netlist:
    """The trees of a LogicConv on the bits of a window, as the kernels' module has them.

    Bit (column * rows + row tap) * channels + c of the window is channel c of those that are kept,
    with columns that the dilation leaves out.
    """
    kernels, node = layer.kernels, layer.kernels.node
    assert node.indices is not None
    assert node.tables is not None
    rows, columns = node.kernel_shape
    gap, kept = node.dilations[1], np.full(node.shape[0], -1)
    kept[list(kernels.kept_in)] = np.arange(len(kernels.kept_in))
    chosen = np.array(kernels.kept_out)
    place = node.indices[chosen].astype(np.int64)
    place, column = np.divmod(place, columns)
    channel, row = np.divmod(place, rows)
    builder = NetlistBuilder(((columns - 1) * gap + 1) * rows * len(kernels.kept_in))
    literals = np.append(builder.inputs(), 0)
    bit = (column * gap * rows + row) * len(kernels.kept_in) + kept[channel]
    leaves = literals[np.where(kept[channel] < 0, builder.n_inputs, bit)].astype(np.uint32)
    return builder.finish(build_trees(builder, leaves[..., None], node.tables[chosen], node.depth))


def _images(
    rtl: Rtl,
    plan: Plan,
    known: dict[str, Netlist],
    proof: RtlProof,
    budget: float,
    say: Say,
) -> None:
    """Add the claims about whole images."""
    assert rtl.stream is not None
    found = prove_images(rtl, plan, known, budget=budget, progress=say)
    what = (
        "without stalls, every image of an endless stream reaches the tail as what the model has "
        "there, whatever registers and memories held before it"
    )
    status = "tested" if found.status == "open" else found.status
    proof.claims.append(Claim(what, status, found.method, round(found.seconds, 3)))
    if found.interval is None:
        return
    promised = (rtl.latency, rtl.stream.interval)
    right = (found.latency, found.interval) == promised
    proof.claims.append(
        Claim(
            f"the first result comes after {promised[0]:,} clocks, then one every {promised[1]:,}",
            "proved" if right else "refuted",
            "the same run"
            if right
            else f"the same run, in which it is {found.latency} and {found.interval:g}",
            0.0,
        )
    )
