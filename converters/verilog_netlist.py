"""Flat Verilog: one module of gates out; any combinational Verilog in, through yosys.

The RTL of a design, with hierarchy and registers, is what `lgnx.converters.verilog` writes.
docs/formats/verilog-netlist.md tells which to use when.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from lgnx.converters.circuit import PART, Circuit, model_to_circuit
from lgnx.converters.circuit_files import model_of_file, write_pieces
from lgnx.converters.comment_metadata import metadata_of, to_comments
from lgnx.converters.formats import Format, Option
from lgnx.converters.net_names import net_names, wrapped
from lgnx.converters.percent_names import escape, made_different
from lgnx.converters.verilog_names import identifier
from lgnx.converters.yosys_json import read_yosys_json
from lgnx.converters.yosys_run import FLATTEN, run_yosys
from lgnx.files import read_bytes
from lgnx.netlist.netlist import XOR_KIND, Netlist
from lgnx.ops.errors import InputError, ModelError

__all__ = ["FORMAT", "read_verilog", "verilog_lines"]

TIMEOUT = 600.0
MEMORY = 16384
_BLOCK = 1 << 15  # gates whose text is made at a time
_FORBIDDEN = re.compile(r"[^\x21-\x7e]|[#(),;]")  # ABC does not take the latter
_COMMENT = re.compile(rb"^// ?(metadata .*)$", re.MULTILINE)
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")

Refused = Mapping[re.Pattern[str], str]

# What yosys does while it reads a file, beside reading it.
_UNSAFE: Refused = {
    re.compile(r'"DPI(-C)?"'): "calls C functions (DPI), which yosys would run",
    re.compile(r"\$readmem[bh]"): "reads another file ($readmem)",
    re.compile("`file_push.*`file_push", re.DOTALL): "includes another file; lgnx reads one file",
}
_REGISTERS = "t:*FF* t:*LATCH* t:*SR* t:$mem* %u %u %u"
_GATES = (
    "proc",
    "delete t:$print",
    *FLATTEN,
    "tribuf",
    "check -assert",
    "memory_collect",
    "memory_map",
    "simplemap",
    "techmap",
    "setundef -zero",
    "opt_clean",
)
# Ports, cells, and the nets that name registers; the rest makes the file several times as large.
_WRITE = (
    f"setattr -unset src c:* {_REGISTERS} %d",
    f"select i:* o:* c:* {_REGISTERS} %co1:+[Q]",
    "write_json -selected output.json",
)
_KINDS = (
    (
        re.compile(r"\$_?(S?DFF|ALDFF|A?DLATCH|FF|SR|mem)", re.IGNORECASE),
        "Q",
        "registers or latches, and lgnx reads combinational circuits only",
    ),
    (re.compile(r"\$_?TBUF_|\$tribuf"), "Y", "nets that are driven at times only"),
)
_REMOVED = re.compile(r"^Removing unused module `\\(.*)'\.$", re.MULTILINE)
_USED = re.compile(r"^Used module: +(?:\$paramod(?:\$[0-9a-f]+)?)?\\([^\\\s]+)", re.MULTILINE)
_SHOWN = 5


def read_verilog(
    source: bytes,
    where: str = "Verilog",
    *,
    top: str = "",
    system_verilog: bool = False,
    timeout: float = TIMEOUT,
    memory: int = MEMORY,
) -> Circuit:
    """Turn combinational Verilog into a circuit of gates, through yosys.

    Parameters
    ----------
    source
        The text of one file that needs no other.
    where
        What messages call it: the file's name.
    top
        Name of the module; "" for the one that no other instantiates.
    system_verilog
        Whether the text is SystemVerilog.
    timeout
        Seconds that yosys may take.
    memory
        MiB that yosys may use.

    Raises
    ------
    ModelError
        If yosys refuses the text, it has registers, or it would make yosys read other files or
        run code.
    InputError
        If ``top`` is no simple identifier.
    ToolError
        If yosys crashes or takes too long.
    MissingExtraError
        If pyosys is not installed.
    """
    if top and not _MODULE.fullmatch(top):
        raise InputError(f"option top: {top!r}, must be an identifier of letters, digits, _ and $")
    read = f"read_verilog {'-sv ' if system_verilog else ''}"
    hierarchy = f"hierarchy -check {f'-top {top}' if top else '-auto-top'}"
    with tempfile.TemporaryDirectory(prefix="lgnx-") as name:
        folder = Path(name)
        (folder / "input.v").write_bytes(source)

        def run(commands: Sequence[str], refused: Refused | None = None) -> str:
            return run_yosys(
                commands, folder, where, timeout=timeout, memory=memory, refused=refused
            )

        # With -defer the text is only parsed, and the log has it as it is after all macros.
        run([f"{read}-defer -ppdump input.v"], _UNSAFE)
        log = run([f"{read}input.v", hierarchy, *_GATES, *_WRITE])
        netlist = json.loads((folder / "output.json").read_bytes())
    if not netlist["modules"]:
        raise ModelError(f"{where}: has no module with anything in it")
    if not top:
        _refuse_choice(log, next(iter(netlist["modules"])), where)
    for name, module in netlist["modules"].items():
        _refuse_cells(module, f"{where}: module {name!r}")
    circuit = read_yosys_json(netlist, where)
    comments = (line.decode("ascii", "replace") for line in _COMMENT.findall(source))
    circuit.metadata.update(metadata_of(comments))
    return circuit


def _refuse_choice(log: str, top: str, where: str) -> None:
    """Stop where yosys had to choose between modules that no other instantiates."""
    used = set(_USED.findall(log))
    left = [repr(name) for name in _REMOVED.findall(log) if name not in used]
    if left:
        more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
        raise ModelError(
            f"{where}: has modules beside {top!r} that are no part of it: "
            f"{', '.join(left[:_SHOWN])}{more}; option top={top} reads it nevertheless"
        )


def _refuse_cells(module: dict[str, Any], where: str) -> None:
    """Stop at cells that are no gates and that people know by another name than yosys."""
    names: dict[Any, str] = {}
    for net, entry in module["netnames"].items():
        if not entry["hide_name"]:
            single = len(entry["bits"]) == 1
            for i, bit in enumerate(entry["bits"]):
                names.setdefault(bit, net if single else f"{net}[{i}]")
    for pattern, pin, what in _KINDS:
        found = [
            f"{names.get(cell['connections'].get(pin, [cell_name])[0], cell_name)!r}"
            f" ({cell['type']}{_line(cell)})"
            for cell_name, cell in module["cells"].items()
            if pattern.match(cell["type"])
        ]
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise ModelError(f"{where} has {what}: {', '.join(found[:_SHOWN])}{more}")


def _line(cell: dict[str, Any]) -> str:
    found = re.search(r"input\.v:([0-9]+)", cell.get("attributes", {}).get("src", ""))
    return f", line {found[1]}" if found else ""


def verilog_lines(circuit: Circuit) -> Iterator[str]:
    """Text of the Verilog file of a circuit, in pieces."""
    names, netlist = net_names(circuit, _FORBIDDEN), circuit.netlist
    nets = ["1'b0", *map(identifier, names.variables[1:])]
    outputs = list(map(identifier, names.outputs))
    inputs = nets[1 : netlist.first_node]
    used = _used(netlist)
    module = escape(circuit.name, _FORBIDDEN)
    nets_named = {*names.variables, *names.outputs}
    while module in nets_named:  # which Verilator does not take
        module = made_different(module)
    yield "// written by lgnx\n"
    yield from (f"// {line}\n" for line in to_comments(circuit.metadata))
    yield "// verilator lint_off DECLFILENAME\n// verilator lint_off SYMRSVDWORD\n"
    yield from _listed(f"module {identifier(module)} (", [*inputs, *outputs], ");")
    # In their order, which some tools take from here and not from the head of the module.
    for is_read, group in groupby(zip(used[1:].tolist(), inputs, strict=False), itemgetter(0)):
        declared = _declared("input", [net for _, net in group])
        yield from declared if is_read else _without_warning(declared)
    yield from _declared("output", outputs)
    nodes = np.flatnonzero(used[netlist.first_node :])
    yield from _declared("wire", [nets[netlist.first_node + node] for node in nodes.tolist()])
    for start in range(0, len(nodes), _BLOCK):
        yield _assigned(netlist, nets, nodes[start : start + _BLOCK])
    for literal, output in zip(netlist.outputs.tolist(), outputs, strict=True):
        value = "1'b1" if literal == 1 else f"{'~' * (literal & 1)}{nets[literal >> 1]}"
        yield f"  assign {output} = {value};\n"
    yield "endmodule\n"


def _used(netlist: Netlist) -> np.ndarray:
    """Whether an output depends on each variable, bool [1 + n_inputs + n_nodes]."""
    used = bytearray(netlist.first_node + netlist.n_nodes)
    for variable in (netlist.outputs >> 1).tolist():
        used[variable] = 1
    variable = len(used)
    for a, b in (netlist.fanins[::-1] >> 1).tolist():
        variable -= 1
        if used[variable]:
            used[a] = used[b] = 1
    return np.frombuffer(used, bool)


def _declared(kind: str, nets: list[str]) -> Iterator[str]:
    if nets:
        yield from _listed(f"  {kind}", nets, ";")


def _without_warning(lines: Iterator[str]) -> Iterator[str]:
    yield "  // verilator lint_off UNUSEDSIGNAL\n"
    yield from lines
    yield "  // verilator lint_on UNUSEDSIGNAL\n"


def _listed(start: str, nets: list[str], end: str) -> Iterator[str]:
    words = [start, *(f"{net}," for net in nets[:-1]), f"{nets[-1]}{end}"]
    yield from (f"{line}\n" for line in wrapped(words, indent="    "))


def _assigned(netlist: Netlist, nets: list[str], nodes: np.ndarray) -> str:
    """Text of some of the nodes."""
    fanins = netlist.fanins.take(nodes, axis=0)
    signs = ["~" if sign else "" for sign in range(2)]
    return "".join(
        [
            f"  assign {nets[node]} = {signs[a & 1]}{nets[a >> 1]} {gate} "
            f"{signs[b & 1]}{nets[b >> 1]};\n"
            for node, (a, b), gate in zip(
                (nodes + netlist.first_node).tolist(),
                fanins.tolist(),
                np.where(netlist.kinds.take(nodes) == XOR_KIND, "^", "&").tolist(),
                strict=True,
            )
        ]
    )


def _read(
    path: Path, top: str = "", timeout: float = TIMEOUT, memory: int = MEMORY
) -> onnx.ModelProto:
    circuit = read_verilog(
        read_bytes(path),
        str(path),
        top=top,
        system_verilog=path.suffix.lower() == ".sv",
        timeout=timeout,
        memory=memory,
    )
    return model_of_file(circuit, path, FORMAT.name)


def _write(model: Any, path: Path, part: str = "all") -> list[Path]:
    circuit = model_to_circuit(model, part=part)
    return write_pieces(path, verilog_lines(circuit), "ascii")


FORMAT = Format(
    name="verilog-netlist",
    title="Verilog: one flat module of gates out, any combinational Verilog in",
    suffixes=(".v", ".sv"),
    read=_read,
    write=_write,
    read_options=(
        Option("top", str, "", "the module to read; none: the one that no other instantiates"),
        Option("timeout", float, TIMEOUT, "seconds that yosys may take"),
        Option("memory", int, MEMORY, "MiB that yosys may use"),
    ),
    write_options=(PART,),
    reads="what yosys makes gates of: one file, combinational, hierarchy is flattened",
    writes="one module of assign statements, clean under verilator --lint-only -Wall",
    extra="yosys",
)
