"""Writing the RTL folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.verilog.encoder import Encoder, encode, feature_names
from lgnx.converters.verilog.fixed_point import FixedPoint
from lgnx.converters.verilog.folder import check_folder, write_folder
from lgnx.converters.verilog.interface import Interface, parse_outputs, parse_trigger
from lgnx.converters.verilog.logic import Cutting, Logic, plan_logic
from lgnx.converters.verilog.names import check_name
from lgnx.converters.verilog.port_limits import check_port_widths, check_thresholds
from lgnx.converters.verilog.render import Design
from lgnx.metadata import CLASS_NAMES, INPUT_SCALING
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops.errors import InputError, require

FORMAT, VERSION = "lgnx-rtl", 2
THRESHOLDS = "thresholds.json"

Source = str | os.PathLike[str] | Mapping[str, Any]


def write_rtl(
    network: Network,
    out_dir: str | os.PathLike[str],
    *,
    input_format: Source | None = None,
    port_format: Source | None = None,
    stages_every: int | None = None,
    lut_levels: int | None = None,
    lut_inputs: int = 6,
    compact: bool = False,
    tree_every: int | None = None,
    handshake: str | None = None,
    reset: str = "none",
    language: str = "verilog",
    outputs: str | None = None,
    trigger: str | None = None,
    top: str = "lgnx_top",
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write a network as Verilog.

    The files are Verilog-2001, and SystemVerilog as well. The folder appears whole or not at all.

    Parameters
    ----------
    network
        What to write.
    out_dir
        Folder to make. One that lgnx wrote before is replaced; any other that holds files is
        refused.
    input_format
        What values the model's input takes: ``fixed<W,I>``, ``ufixed<W,I>``, an integer dtype, or
        ``bit``; or a YAML or JSON file, or a mapping, with a format for each feature (see
        `lgnx.converters.verilog.input_spec`). Needed where the input is floating point.
    port_format
        What the port carries, if narrower: the floor of each value. Every decision of every
        threshold must survive.
    stages_every
        None for a combinational design; n for registers after every n levels of logic, and after
        the thermometer, the counts and the argmax.
    lut_levels, lut_inputs
        Instead of ``stages_every``: registers so that no stage has more than so many levels of
        look-up tables of so many inputs, 4 to 6. The logic is mapped to tables, if the model is
        not, and the counts with it; registers stand where the fewest wires cross.
    compact
        Write gates as numbers in rows of text and loops over them: about a fifth of the Verilog.
        The gates are the same, but slower to simulate and to read into yosys.
    tree_every
        In a pipelined design: registers after every n levels of the adders that count, and of the
        comparisons that find the class; None for none inside these.
    handshake
        ``"none"``, ``"valid"`` or ``"axi-stream"``, see `Interface`; by default ``"valid"`` in a
        pipelined design. A combinational one has none.
    reset, language
        See `Interface`.
    outputs
        Which outputs there are, of ``scores``, ``class`` and ``trigger``, with commas between; by
        default all that the model has.
    trigger
        ``GROUP >= SCORE``: an output bit, see `lgnx.converters.verilog.interface.parse_trigger`.
    top
        Name of the top module, and prefix of the others.
    progress
        Called with the name of each step as it begins.

    Returns
    -------
    dict
        The sidecar, as written to ``lgnx.json``.

    Raises
    ------
    InputError
        If a format does not fit (the message says which would), a choice is none, the name is not
        an identifier, or the folder cannot be written.
    MissingExtraError
        If jinja2 is not installed.
    """
    out = Path(out_dir)
    check_name(top)
    check_folder(out)
    sources, others, sidecar = design_rtl(
        network,
        input_format=input_format,
        port_format=port_format,
        stages_every=stages_every,
        lut_levels=lut_levels,
        lut_inputs=lut_inputs,
        compact=compact,
        tree_every=tree_every,
        handshake=handshake,
        reset=reset,
        language=language,
        outputs=outputs,
        trigger=trigger,
        top=top,
        progress=progress,
    )
    write_folder(out, sources, others, sidecar)
    return sidecar


def design_rtl(
    network: Network,
    *,
    input_format: Source | None = None,
    port_format: Source | None = None,
    stages_every: int | None = None,
    lut_levels: int | None = None,
    lut_inputs: int = 6,
    compact: bool = False,
    tree_every: int | None = None,
    handshake: str | None = None,
    reset: str = "none",
    language: str = "verilog",
    outputs: str | None = None,
    trigger: str | None = None,
    top: str = "lgnx_top",
    inside: bool = False,
    progress: Callable[[str], None] | None = None,
) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """Give the texts of `write_rtl`'s Verilog files, of its other files, and the sidecar.

    Takes and raises what `write_rtl` does, apart from the folder. A design ``inside`` another may
    have wider ports than the outermost, which must suit every tool.
    """
    require("jinja2", extra="rtl")
    cutting = Cutting(stages_every, lut_levels, lut_inputs, compact)
    pipelined = cutting.pipelined
    for what, given in (("levels between registers", stages_every), ("tree levels", tree_every)):
        if given is not None and given < 1:
            raise InputError(f"{what}: {given}, must be at least 1")
    if not pipelined and (tree_every is not None or handshake not in (None, "none")):
        raise InputError("a combinational design has no registers and no handshake: pipeline it")
    interface = Interface(handshake or ("valid" if pipelined else "none"), reset, language)
    if reset != "none" and interface.handshake == "none":
        raise InputError(f"reset is {reset!r}, but only valid bits are reset, and there are none")
    _check_order(network)
    say = progress or (lambda step: None)

    say("thermometer")
    encoder = encode(network, input_format, port_format)
    check_thresholds(network, encoder)
    say("stages")
    logic = plan_logic(network, encoder, cutting)
    encoder = logic.encoder
    if lut_levels and tree_every is None:
        tree_every = 1
    design = Design(
        network=network,
        encoder=encoder,
        stages=logic.stages(compact),
        pipelined=pipelined,
        tree_every=tree_every,
        interface=interface,
        outputs=parse_outputs(outputs, trigger, network),
        trigger=parse_trigger(trigger, network) if trigger else None,
        top=top,
        digits=logic.digits,
        registered=logic.registered,
        compact=compact,
    )
    if not inside:
        check_port_widths([("x", design.n_in), *design.ports])
    say("Verilog")
    sources = design.render()
    others = {}
    if network.thresholds is not None:
        others[THRESHOLDS] = json.dumps(describe_thresholds(network, encoder), indent=1) + "\n"
    return sources, others, _sidecar(design, cutting, logic)


def _check_order(network: Network) -> None:
    """The hardware compares counts, so more ones must mean a larger score."""
    if not network.groups:
        return
    scores = network.scale(np.arange(network.group_size + 1))
    if not (np.diff(scores.astype(np.longdouble)) > 0).all():
        raise InputError(
            f"node {network.name!r}: with bias {network.bias:g}, tau {network.tau:g} and beta "
            f"{network.beta:g} in {network.dtype}, different counts give one score, so the class "
            "cannot be found by comparing counts"
        )


def _sidecar(design: Design, cutting: Cutting, logic: Logic) -> dict[str, Any]:
    network, encoder, interface = design.network, design.encoder, design.interface
    netlist = encoder.netlist
    decisions = [d for row in encoder.decisions for d in row]
    scaling = network.metadata.get(INPUT_SCALING)
    depths: Sequence[int | None] = logic.lut_depths or [None] * len(design.stages)
    return {
        "format": FORMAT,
        "version": VERSION,
        "lgnx": lgnx.__version__,
        "top": design.top,
        "language": interface.language,
        "style": "pipelined" if design.pipelined else "combinational",
        "handshake": interface.handshake,
        "clock": "clk" if design.pipelined else None,
        "reset": _reset(interface),
        "latency": design.latency,
        "initiation_interval": 1,
        "input": describe_input(network, encoder.forms, encoder.ports)
        | {"scaling": json.loads(scaling) if scaling else None},
        "scoring": _scoring(design) if network.groups else None,
        "outputs": _outputs(design),
        "modules": [
            {
                "name": module.name,
                "file": module.name + interface.suffix,
                "role": module.role,
                "stage": module.stage,
            }
            for module in design.modules
        ],
        "gates": netlist.n_nodes,
        "levels": netlist.depth,
        "levels_per_stage": cutting.every,
        "compact": cutting.compact,
        "lut_levels": cutting.lut_levels,
        "lut_inputs": cutting.lut_inputs if cutting.lut_levels else None,
        "luts": logic.luts.n_luts if logic.luts else None,
        "stages": [
            {
                "gates": stage.gates,
                "inputs": stage.n_inputs,
                "outputs": stage.n_outputs,
                "lut_levels": depth,
                "registers": registers,
            }
            for stage, depth, registers in zip(
                design.stages, depths, design.stage_registers, strict=True
            )
        ],
        "thresholds": {
            "given": len(decisions),
            "comparators": sum(threshold is not None for _, threshold in encoder.bits),
            "constant": sum(isinstance(d, bool) for d in decisions),
        },
        "netlist_sha256": digest(network.netlist),
        "source": network.metadata,
        "warnings": encoder.warnings,
    }


def _reset(interface: Interface) -> dict[str, str] | None:
    if interface.reset_name is None:
        return None
    style, _, low = interface.reset.partition("-")
    return {"name": interface.reset_name, "style": style, "active": low or "high"}


def describe_input(
    network: Network, forms: tuple[FixedPoint, ...], ports: tuple[FixedPoint, ...]
) -> dict[str, Any]:
    """What the sidecar says of the input, apart from its scaling."""
    names = feature_names(network)
    port: dict[str, Any] = {
        "name": "x",
        "features": network.features,
        "width": sum(port.width for port in ports),
        "model_input": network.input_name,
        "dtype": network.input_dtype.name,
        "shape": list(network.input_shape),
        "feature_names": None if names is None else list(names),
    }
    if len(set(ports)) == 1 and len(set(forms)) == 1:
        return port | {"format": str(ports[0]), "values": str(forms[0])}
    return port | {
        "format": [str(form) for form in ports],
        "values": [str(form) for form in forms],
    }


def _scoring(design: Design) -> dict[str, Any]:
    """What the counts are, and how they become scores: (count + bias) / tau + beta."""
    network = design.network
    classes = network.metadata.get(CLASS_NAMES)
    return {
        "groups": network.groups,
        "width": design.width,
        "kind": "unsigned count",
        "bias": network.bias,
        "tau": network.tau,
        "beta": network.beta,
        "dtype": network.dtype.name,
        "class_names": json.loads(classes) if classes else None,
    }


def _outputs(design: Design) -> list[dict[str, Any]]:
    network = design.network
    described: dict[str, dict[str, Any]] = {
        "y": {"bits": network.netlist.n_outputs},
        "scores": _scoring(design) if network.groups else {},
        "class_index": {"width": design.class_width},
    }
    if design.trigger is not None:
        described["trigger"] = {
            "group": design.trigger.group,
            "at_least": design.trigger.at_least,
            "condition": design.trigger.text,
        }
    return [{"name": name, **described[name]} for name, _ in design.ports]


def describe_thresholds(network: Network, encoder: Encoder) -> list[dict[str, Any]]:
    """For every threshold what becomes of it, exactly."""
    assert network.thresholds is not None
    sign = ">" if network.strict else ">="
    report = []
    rows = zip(network.thresholds.tolist(), encoder.decisions, strict=True)
    for feature, (values, decisions) in enumerate(rows):
        port = encoder.ports[feature]
        for value, decision in zip(values, decisions, strict=True):
            entry: dict[str, Any] = {"feature": feature, "compares": f"{sign} {value!r}"}
            if isinstance(decision, bool):
                entry |= {"decision": "constant", "value": decision}
            else:
                exact = port.value(decision)
                entry |= {"decision": "exact", "code_above": decision, "port_above": str(exact)}
            report.append(entry)
    return report


def digest(netlist: Netlist) -> str:
    """SHA-256 of a netlist."""
    result = hashlib.sha256(netlist.n_inputs.to_bytes(8, "little"))
    for array in (netlist.kinds, netlist.fanins, netlist.outputs):
        result.update(np.ascontiguousarray(array).tobytes())
    return result.hexdigest()
