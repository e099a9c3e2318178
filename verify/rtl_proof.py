"""Proof that an RTL folder computes what a model does.

>>> proof = prove_rtl("rtl/", "model.onnx")
>>> proof.status
'proved'

The Verilog is read back through yosys, module by module, and each module is proved equal to what it
must compute by the model: the comparators, every stage of the logic, the counts, the class. Then
the way in which the modules hang together is proved to give the model's logic. Every way through
the registers is counted. docs/hardware.md tells how.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.verilog.encoder import input_literals
from lgnx.converters.verilog.folder import PROOF
from lgnx.converters.verilog.stages import partition
from lgnx.files import as_proto, atomic_path
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.lut_checks import decomposed, same_tables
from lgnx.netlist.luts import LutNetlist
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops.errors import ComparisonError
from lgnx.optimize.counting import check_identities
from lgnx.optimize.proof import Verdict, prove
from lgnx.verify import rtl_reference as reference
from lgnx.verify.handshake_proof import prove_handshake
from lgnx.verify.rtl import Rtl, read_rtl
from lgnx.verify.rtl_readback import Instance, ReadModule, read_back
from lgnx.verify.same_model import check_same_model
from lgnx.verify.structure import same_structure

__all__ = ["PROOF", "Claim", "RtlProof", "prove_rtl"]


@dataclass(frozen=True)
class Claim:
    """One thing that was to be proved, and what came of it.

    Attributes
    ----------
    what
        In words.
    status
        ``"proved"``; ``"tested"``: no proof within the budget, but equal on all vectors that were
        tried, or for as many clocks as ``method`` says; or ``"refuted"``.
    method
        By what.
    """

    what: str
    status: str
    method: str
    seconds: float


@dataclass
class RtlProof:
    """What is known about an RTL folder.

    Attributes
    ----------
    build_id
        Of the folder.
    model_sha256, netlist_sha256
        Of the model's file, if it is one, and of its netlist.
    tools
        Names and versions.
    claims
        In the order in which they build on each other.
    """

    build_id: str
    model_sha256: str | None
    netlist_sha256: str
    tools: dict[str, str]
    claims: list[Claim] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The weakest of the claims."""
        found = {claim.status for claim in self.claims}
        return next(s for s in ("refuted", "tested", "proved") if s in found)

    def content(self) -> dict[str, Any]:
        """What a verdict file holds."""
        return {"format": "lgnx-proof", "version": 1, "status": self.status} | asdict(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, whole or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.content(), indent=2) + "\n", encoding="utf-8")


def prove_rtl(
    rtl_dir: str | os.PathLike[str],
    model: Any,
    *,
    budget: float = 300.0,
    progress: Callable[[str], None] | None = None,
) -> RtlProof:
    """Prove an RTL folder equal to a model.

    Parameters
    ----------
    rtl_dir
        Folder that `lgnx.converters.verilog.write_rtl` wrote.
    model
        A path, bytes or ModelProto.
    budget
        Seconds that reading back, and each proof, may take.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    ModelError
        If the folder, its Verilog or the model cannot be read.
    ComparisonError
        If the folder was written from another network, a comparison at the port decides otherwise
        than the model, or ways through the registers differ in length.
    ToolError, MissingExtraError
        If yosys fails or is not installed.
    """
    say = progress or (lambda step: None)
    rtl = read_rtl(rtl_dir)
    network = Network.from_model(model)
    content = as_proto(model).SerializeToString(deterministic=True)
    proof = RtlProof(
        build_id=rtl.build_id,
        model_sha256=hashlib.sha256(content).hexdigest(),
        netlist_sha256=rtl.netlist_sha256,
        tools={"lgnx": lgnx.__version__, "aigverse": _version("aigverse")},
    )
    if rtl.stream is not None:
        from lgnx.verify.streaming_proof import prove_streaming

        prove_streaming(rtl, model, network, proof, budget, say)
        return proof
    check_same_model(rtl, model, network)
    say("reading the Verilog back")
    modules, proof.tools["yosys"] = read_back(rtl, timeout=budget)
    Prover(rtl, network, modules, proof, budget, say).run()
    return proof


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


class Prover:
    """The claims of one design, one after the other."""

    def __init__(
        self,
        rtl: Rtl,
        network: Network,
        modules: dict[str, ReadModule],
        proof: RtlProof,
        budget: float,
        say: Callable[[str], None],
    ) -> None:
        self.rtl, self.network, self.modules = rtl, network, modules
        self.proof, self.budget, self.say = proof, budget, say
        self.logic = reference.logic_of(rtl, network)
        self.encoder = self.logic.encoder
        self.known: dict[str, Netlist] = {}

    def run(self) -> None:
        started = time.perf_counter()
        checked = reference.check_decisions(self.network, self.encoder)
        if checked:
            self.note(
                f"{checked} thresholds decide at the port as in the model, for every value of the "
                "input format",
                "exact arithmetic at the values around each",
                started,
            )
        encoder = self.encoder
        if encoder.bits:
            self.module("encoder", reference.encoder_netlist(encoder))
            parts = partition(encoder.netlist, self.logic.stage_of_node)
            for number, part in enumerate(parts):
                self.module(f"stage{number}", reference.stage_netlist(encoder.netlist, part))
            size = self.network.group_size
            if self.network.groups and size > 1 and not self.logic.digits:
                self.module("popcount", reference.popcount_netlist(size))
            self.network_module()
        if self.rtl.class_index:
            assert self.rtl.scoring is not None
            width = self.rtl.scoring.width
            self.module("argmax", reference.argmax_netlist(self.network.groups, width))
        self.top_module(self.rtl.core)
        self.latency(self.rtl.core)
        if self.rtl.handshake == "axi-stream":
            self.handshake()

    def module(self, part: str, wanted: Netlist) -> None:
        """Prove that a module computes what it must."""
        name = f"{self.rtl.top}_{part}"
        self.claim(f"module {name}", self.read(name).circuit.netlist, wanted)
        self.known[name] = wanted

    def read(self, name: str) -> ReadModule:
        if name not in self.modules:
            raise ComparisonError(f"{self.rtl.folder}: the design has no module {name!r}")
        return self.modules[name]

    def network_module(self) -> None:
        """Prove that stages and counts, as they are connected, are the model's logic."""
        name, bits = f"{self.rtl.top}_network", self.encoder.netlist
        if self.logic.luts is None:
            model = reference.model_netlist(self.network, self.encoder)
            self.claim("the logic that was cut into stages is the model's", bits, model)
        else:
            self.tables(self.logic.luts)
        plain = self.logic.digits or not self.network.groups
        wanted = bits if plain else self.counted(bits)
        found = compose(self.read(name), self.known)
        self.claim(f"module {name}: its parts together are this logic", found, wanted)
        self.known[name] = wanted

    def tables(self, luts: LutNetlist) -> None:
        """Prove that the tables of the design compute what the model does."""
        whole = reference.encoder_of(self.rtl, self.network)
        # An input that the design does not have must not matter: its wire is not there.
        places = {key: 2 * (1 + i) for i, key in enumerate(self.encoder.bits)}
        absent = 2 * (luts.first_lut + luts.n_luts)
        inputs = [places.get(key, absent + 2 * i) for i, key in enumerate(whole.bits)]
        each = "each table at all values of its inputs"
        counted = self.logic.counted
        if counted is not None:
            ends = [literal for row in counted.bits for literal in row]
            bits, _, _ = counted.builder.finish(ends).to_netlist()
            model = reference.model_netlist(self.network, whole)
            self.claim("the bits that the tables count are the model's", bits, model)
            started = time.perf_counter()
            what = "the digits of the counts, made of tables, are the counts of these bits"
            checked = check_identities(counted)
            self.note(what, f"{checked} sums, each at all values of what it reads", started)
            source = counted.luts
        else:
            assert self.network.luts is not None
            given = input_literals(self.network, whole)
            inputs = [inputs[(lit >> 1) - 1] if lit > 1 else lit for lit in given]
            source = self.network.luts
        if self.logic.digits:
            luts = _repeated(luts, self.network.groups) if counted is None else luts
        self.holds("the design's tables are the model's", same_tables(source, luts, inputs), each)
        own, roots = self.logic.luts, self.logic.roots
        assert own is not None
        assert roots is not None
        found = decomposed(own, self.encoder.netlist, roots)
        self.holds("the gates that were cut into stages compute these tables", found, each)

    def holds(self, what: str, answer: bool, method: str) -> None:
        """Note what was proved table by table."""
        if not answer:
            raise ComparisonError(f"{self.rtl.folder}: not so: {what}")
        self.note(what, method, time.perf_counter())

    def counted(self, bits: Netlist) -> Netlist:
        builder, outputs = NetlistBuilder.from_netlist(bits)
        size = self.network.group_size
        if size == 1:
            return bits
        count = reference.popcount_netlist(size)
        groups = outputs.reshape(self.network.groups, size)
        return builder.finish(np.concatenate([builder.embed(count, group) for group in groups]))

    def top_module(self, name: str) -> None:
        """Prove that the top connects encoder, network and class, and the valid bits."""
        module = self.read(name)
        found = compose(module, self.known)
        builder = NetlistBuilder(found.n_inputs)
        ports = dict(zip(module.circuit.input_names, builder.inputs(), strict=False))
        x = np.array([ports[n] for n in _bits_of("x", self.encoder.offsets[-1])], np.uint32)
        outputs = self.outputs(builder, x)
        wanted = []
        for output in _own_outputs(module):
            if output == "out_valid":
                wanted.append(ports["in_valid"])
            else:
                wanted.append(outputs[output])
        self.claim(
            f"module {name}: its parts together give the model's outputs",
            found,
            builder.finish(np.array(wanted, np.uint32)),
        )

    def outputs(self, builder: NetlistBuilder, x: np.ndarray) -> dict[str, int]:
        rtl, encoder = self.rtl, self.encoder
        result: dict[str, int] = {}
        if encoder.bits:
            bits = builder.embed(self.known[f"{rtl.top}_encoder"], x)
            values = builder.embed(self.known[f"{rtl.top}_network"], bits)
        else:
            values = _constants(encoder.netlist, self.network)
        if rtl.bits:
            return dict(zip(_bits_of(rtl.bits.name, rtl.bits.bits), values.tolist(), strict=True))
        assert rtl.scoring is not None
        width, groups = rtl.scoring.width, rtl.scoring.groups
        if rtl.scores:
            names = _bits_of(rtl.scores.name, groups * width)
            result |= dict(zip(names, values.tolist(), strict=True))
        if rtl.class_index:
            index = builder.embed(self.known[f"{rtl.top}_argmax"], values)
            names = _bits_of(rtl.class_index.name, rtl.class_index.width)
            result |= dict(zip(names, index.tolist(), strict=True))
        if rtl.trigger:
            count = values.reshape(groups, width)[rtl.trigger.group]
            result[rtl.trigger.name] = reference.at_least(builder, count, rtl.trigger.at_least)
        return result

    def latency(self, name: str) -> None:
        started = time.perf_counter()
        rtl, found = self.rtl, self.read(name).latency
        promised = rtl.latency - (1 if rtl.handshake == "axi-stream" else 0)
        if not rtl.pipelined:
            promised = 0
        constant = not self.encoder.bits and rtl.handshake == "none"
        if found != promised and not constant:
            raise ComparisonError(
                f"{rtl.folder}: results leave {name} after {found} registers, the sidecar promises "
                f"{promised}"
            )
        registers = sum(m.registers for m in self.modules.values())
        what = f"every way from an input to an output of {name} has {found} registers"
        self.note(what, f"counted on the netlist ({registers} registers)", started)

    def handshake(self) -> None:
        what = (
            "no result is lost, repeated, reordered or made up, under any stalls, and nothing "
            "stays inside"
        )
        self.say("handshake")
        found = prove_handshake(self.rtl, self.read(self.rtl.core).latency, budget=self.budget / 2)
        method = found.method
        status = found.status
        if found.clocks is not None:
            method += (
                f", {'fails in' if status == 'refuted' else 'holds for'} {found.clocks} clocks"
            )
        status = "tested" if status == "bounded" else status
        self.proof.claims.append(Claim(what, status, method, round(found.seconds, 3)))

    def claim(self, what: str, found: Netlist, wanted: Netlist) -> None:
        self.say(what)
        shape = (wanted.n_inputs, wanted.n_outputs)
        if (found.n_inputs, found.n_outputs) != shape:
            raise ComparisonError(
                f"{self.rtl.folder}: {what}: has {found.n_inputs} inputs and {found.n_outputs} "
                f"outputs, must have {shape[0]} and {shape[1]}"
            )
        started = time.perf_counter()
        if same_structure(found, wanted):
            self.note(what, "the same gates on the same gates", started)
            return
        verdict: Verdict = prove(found, wanted, budget=self.budget)
        self.proof.claims.append(
            Claim(what, verdict.status, verdict.method, round(verdict.seconds, 3))
        )

    def note(self, what: str, method: str, started: float) -> None:
        seconds = round(time.perf_counter() - started, 3)
        self.proof.claims.append(Claim(what, "proved", method, seconds))


def _bits_of(name: str, width: int) -> list[str]:
    return [f"{name}[{i}]" for i in range(width)] if width > 1 else [name]


def _repeated(luts: LutNetlist, groups: int) -> LutNetlist:
    """Digits as often as they weigh, as the model has them."""
    digits = luts.outputs.reshape(groups, -1)
    often = np.repeat(digits, 1 << np.arange(digits.shape[1]), axis=1).ravel()
    return replace(luts, outputs=often)


def _own_outputs(module: ReadModule) -> tuple[str, ...]:
    cut = sum(len(instance.inputs) for instance in module.instances)
    names = module.circuit.output_names
    return names[: len(names) - cut]


def _constants(netlist: Netlist, network: Network) -> np.ndarray:
    """Literals of the outputs of a network that reads nothing."""
    bits = netlist.outputs.astype(np.int64)
    if not network.groups:
        return bits.astype(np.uint32)
    counts = bits.reshape(network.groups, -1).sum(axis=1)
    width = network.group_size.bit_length()
    return (counts[:, None] >> np.arange(width) & 1).ravel().astype(np.uint32)


def compose(module: ReadModule, known: dict[str, Netlist]) -> Netlist:
    """Put netlists in the place of a module's instances.

    Returns
    -------
    Netlist
        From the module's own inputs, without clock and enable, to its own outputs.

    Raises
    ------
    ComparisonError
        If instances feed each other in a ring.
    """
    circuit = module.circuit
    names = list(circuit.input_names)
    cut_inputs = sum(len(instance.outputs) for instance in module.instances)
    own = [
        n for n in names[: len(names) - cut_inputs] if n not in ("clk", "enable", "rst", "rst_n")
    ]
    builder = NetlistBuilder(len(own))
    place = {name: i for i, name in enumerate(names)}
    literals = np.zeros(len(names), np.uint32)
    literals[[place[name] for name in own]] = builder.inputs()
    glue = circuit.netlist
    output_place = {name: i for i, name in enumerate(circuit.output_names)}
    open_ = list(module.instances)
    waiting = {place[f"{i.name}.{bit}"] for i in open_ for bit in i.outputs}
    supports = _supports(glue)
    while open_:
        ready = next((i for i in open_ if _is_ready(i, output_place, supports, waiting)), None)
        if ready is None:
            raise ComparisonError(f"module {module.name!r}: its parts feed each other in a ring")
        open_.remove(ready)
        # The glue is evaluated as far as it is known; what is not yet known is not read here.
        values = builder.embed(glue, literals)
        inputs = values[[output_place[f"{ready.name}.{bit}"] for bit in ready.inputs]]
        outputs = builder.embed(known[ready.module], inputs)
        for bit, literal in zip(ready.outputs, outputs.tolist(), strict=True):
            literals[place[f"{ready.name}.{bit}"]] = literal
            waiting.discard(place[f"{ready.name}.{bit}"])
    values = builder.embed(glue, literals)
    return builder.finish(values[: len(_own_outputs(module))])


def _is_ready(
    instance: Instance, places: dict[str, int], supports: list[set[int]], waiting: set[int]
) -> bool:
    return all(
        supports[places[f"{instance.name}.{bit}"]].isdisjoint(waiting) for bit in instance.inputs
    )


def _supports(netlist: Netlist) -> list[set[int]]:
    """Inputs that each output reads. The glue between modules is small."""
    found: list[frozenset[int]] = [frozenset()]
    found += [frozenset([i]) for i in range(netlist.n_inputs)]
    for a, b in (netlist.fanins >> 1).tolist():
        found.append(found[a] | found[b])
    return [set(found[output >> 1]) for output in netlist.outputs.tolist()]
