"""Writing the RTL folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.verilog.encoder import Encoder, encode
from lgnx.converters.verilog.stages import Stage, cut
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops.errors import InputError, require

SIDECAR = "lgnx.json"
COMBINATIONAL_LEVELS = 4  # levels of a module where no registers decide

_KEYWORDS = frozenset(
    """
    always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config
    deassign default defparam design disable edge else end endcase endconfig endfunction
    endgenerate endmodule endprimitive endspecify endtable endtask event for force forever
    fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input
    instance integer join large liblist library localparam macromodule medium module nand
    negedge nmos nor noshowcancelled not notif0 notif1 or output parameter pmos posedge
    primitive pull0 pull1 pulldown pullup rcmos real realtime reg release repeat rnmos rpmos
    rtran rtranif0 rtranif1 scalared showcancelled signed small specify specparam strong0
    strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 triand trior
    trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor alias assert
    bind bit break byte chandle class clocking const constraint context continue cover do
    endclass endinterface endpackage endprogram enum export extends extern final foreach
    import int interface intersect local logic longint modport new null package packed
    priority program property protected pure rand ref return sequence shortint shortreal
    static string struct super tagged this throughout timeprecision timeunit type typedef
    union unique var virtual void with within
    """.split()
)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")


def write_rtl(
    network: Network,
    out_dir: str | os.PathLike[str],
    *,
    input_format: str | None = None,
    port_format: str | None = None,
    stages_every: int | None = None,
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
        ``bit``. Needed where the input is floating point.
    port_format
        What the port carries, if narrower: the floor of each value. Every decision of every
        threshold must survive.
    stages_every
        None for a combinational design; n for registers after every n levels of logic, and after
        the thermometer, the popcounts and the argmax.
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
        If a format does not fit (the message says which would), the name is not an identifier, or
        the folder cannot be written.
    MissingExtraError
        If jinja2 is not installed.
    """
    jinja2 = require("jinja2", extra="rtl")
    out = Path(out_dir)
    _check_name(top)
    if stages_every is not None and stages_every < 1:
        raise InputError(f"levels between registers: {stages_every}, must be at least 1")
    _check_folder(out)
    _check_order(network)
    say = progress or (lambda step: None)

    say("thermometer")
    encoder = encode(network, input_format, port_format)
    say("stages")
    stages = cut(encoder.netlist, stages_every or COMBINATIONAL_LEVELS) if encoder.bits else []
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _resource(f"templates/{name}")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    sidecar = _sidecar(network, encoder, stages, stages_every, top)
    say("Verilog")
    files = _render(environment, network, encoder, stages, sidecar)
    sidecar["files"] = sorted(files)
    _write(out, files, sidecar)
    return sidecar


def _resource(name: str) -> str:
    """Text of a file beside this one; editable installs have no real path for its folder."""
    return resources.files("lgnx.converters.verilog").joinpath(name).read_text("utf-8")


def _check_name(top: str) -> None:
    if not _NAME.fullmatch(top) or top in _KEYWORDS or len(top) > 200:
        raise InputError(
            f"top module {top!r}: must be letters, digits and single underscores, begin with a "
            "letter, and be no keyword of Verilog or SystemVerilog"
        )


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: exists and is not a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / SIDECAR).is_file():
        raise InputError(f"{out}: holds files that lgnx did not write; give another folder")
    if (out / SIDECAR).is_file():
        try:
            known = set(json.loads((out / SIDECAR).read_text())["files"]) | {SIDECAR, "files.f"}
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{out / SIDECAR}: is not a sidecar of lgnx") from None
        others = sorted(path.name for path in out.iterdir() if path.name not in known)
        if others:
            raise InputError(f"{out}: holds {others[0]!r}, which lgnx did not write")


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


def _sidecar(
    network: Network,
    encoder: Encoder,
    stages: list[Stage],
    every: int | None,
    top: str,
) -> dict[str, Any]:
    netlist, port = encoder.netlist, encoder.port
    outputs: list[dict[str, Any]]
    if network.groups:
        width = network.group_size.bit_length()
        outputs = [
            {
                "name": "scores",
                "groups": network.groups,
                "width": width,
                "kind": "unsigned count",
                "bias": network.bias,
                "tau": network.tau,
                "beta": network.beta,
                "dtype": network.dtype.name,
            }
        ]
        if network.groups > 1:
            outputs.append({"name": "class_index", "width": (network.groups - 1).bit_length()})
    else:
        outputs = [{"name": "y", "bits": network.netlist.n_outputs}]
    latency = 0
    if every is not None:
        latency = int(bool(encoder.bits)) + len(stages)
        latency += int(bool(network.groups)) + int(network.groups > 1)
        latency = max(latency, 1)
    given = 0 if network.thresholds is None else int(network.thresholds.size)
    comparators = sum(threshold is not None for _, threshold in encoder.bits)
    return {
        "format": "lgnx-rtl",
        "version": 1,
        "lgnx": lgnx.__version__,
        "top": top,
        "files": [],
        "style": "combinational" if every is None else "pipelined",
        "clock": None if every is None else "clk",
        "latency": latency,
        "initiation_interval": 1,
        "input": {
            "name": "x",
            "features": network.features,
            "width": port.width,
            "signed": port.signed,
            "fraction_bits": port.fraction_bits,
            "format": str(port),
            "values": str(encoder.form),
            "model_input": network.input_name,
            "dtype": network.input_dtype.name,
            "shape": list(network.input_shape),
        },
        "outputs": outputs,
        "gates": netlist.n_nodes,
        "levels": netlist.depth,
        "levels_per_stage": every,
        "stages": [
            {"gates": s.gates, "inputs": s.n_inputs, "outputs": s.n_outputs} for s in stages
        ],
        "thresholds": {
            "given": given,
            "comparators": comparators,
            "constant": encoder.constant,
        },
        "netlist_sha256": _digest(network.netlist),
        "source": network.metadata,
        "warnings": encoder.warnings,
    }


def _digest(netlist: Netlist) -> str:
    digest = hashlib.sha256(netlist.n_inputs.to_bytes(8, "little"))
    for array in (netlist.kinds, netlist.fanins, netlist.outputs):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _render(
    environment: Any,
    network: Network,
    encoder: Encoder,
    stages: list[Stage],
    sidecar: dict[str, Any],
) -> dict[str, str]:
    top, port = sidecar["top"], encoder.port
    n_in = network.features * port.width
    files: dict[str, str] = {}

    def make(name: str, template: str, what: str, **values: Any) -> None:
        text = environment.get_template(template).render(
            name=name, what=what, version=lgnx.__version__, **values
        )
        files[f"{name}.v"] = text

    def feature_bits(feature: int) -> str:
        bits = f"x[{feature * port.width} +: {port.width}]"
        return f"$signed({bits})" if port.signed else bits

    def literal(value: int) -> str:
        return f"{'-' if value < 0 else ''}{port.width}'{'sd' if port.signed else 'd'}{abs(value)}"

    if encoder.bits:
        read = {feature for feature, _ in encoder.bits}
        make(
            f"{top}_encoder",
            "encoder.v.j2",
            f"Input bits: {len(encoder.bits)} of {network.netlist.n_inputs} are read.",
            n_in=n_in,
            bits=encoder.bits,
            unused=len(read) < network.features,
            sign=feature_bits,
            literal=literal,
        )
    for number, stage in enumerate(stages):
        name = f"{top}_stage{number}"
        make(name, "stage.v.j2", f"Logic, stage {number}: {stage.gates} gates.", stage=stage)
    constants = encoder.netlist.outputs.tolist() if not encoder.bits else []
    pipelined = sidecar["style"] == "pipelined"
    make(
        top,
        "top.v.j2",
        f"Logic network of {sidecar['gates']} gates in {sidecar['levels']} levels.",
        top=top,
        pipelined=pipelined,
        n_in=n_in,
        n_bits=len(encoder.bits),
        n_out=network.netlist.n_outputs,
        groups=network.groups,
        size=network.group_size,
        width=network.group_size.bit_length(),
        class_width=(network.groups - 1).bit_length() if network.groups > 1 else 0,
        stages=stages,
        held=f"held{len(stages) - 1}" if stages else "constant_bits",
        constants=constants,
        latency=sidecar["latency"],
    )
    if network.groups and network.group_size > 1:
        files["lgnx_popcount.v"] = _resource("static/lgnx_popcount.v")
    if network.groups > 1:
        files["lgnx_argmax.v"] = _resource("static/lgnx_argmax.v")
    return files


def _write(out: Path, files: dict[str, str], sidecar: dict[str, Any]) -> None:
    """Write beside, then rename, so that the folder appears whole or not at all."""
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))
    except OSError as error:
        raise InputError(f"{out}: cannot write there: {error.strerror}") from None
    try:
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="ascii")
        (temporary / "files.f").write_text("".join(f"{name}\n" for name in sorted(files)))
        (temporary / SIDECAR).write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
        temporary.chmod(0o755)
        if out.exists():
            old = temporary.with_name(temporary.name + ".old")
            out.rename(old)
            temporary.rename(out)
            shutil.rmtree(old)
        else:
            temporary.rename(out)
    except OSError as error:
        raise InputError(f"{out}: cannot write there: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
