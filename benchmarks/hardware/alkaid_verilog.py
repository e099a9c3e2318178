"""alkaid (once da4ml): torchlogix's plugin for it traces the network, alkaid writes it.

torchlogix names the plugin in no entry point, so it is called by its class.
"""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import numpy as np
from engines.interface import UnavailableError
from engines.torchlogix import circuit_class
from hardware_networks import HardwareNetwork

from hardware.interface import Design, Peer


def write(net: HardwareNetwork, folder: Path) -> Design:
    """Write one module, from input bits to counts of their own widths."""
    if net.torch is None or net.answer != "counts":
        raise UnavailableError("not a network of torchlogix")
    circuit_class()
    try:
        from alkaid.codegen.rtl.verilog.comb import comb_logic_gen
        from alkaid.trace import FVArrayInput, HWConfig, trace
        from alkaid.trace.passes import dead_code_elimin
    except ImportError as error:
        raise UnavailableError(
            "not installed", "python benchmarks/hardware_peers.py --install"
        ) from error
    from torchlogix._alkaid_plugin import LogicALIRTracer
    from torchlogix.utils import set_export_mode

    model = net.torch()
    set_export_mode(model, enabled=True)
    given = FVArrayInput((1, *net.shape)).quantize(0, 1, 0)
    traced = LogicALIRTracer(model, HWConfig(1, -1, -1), None).apply_model(False, (given,))
    scores = traced[0]["final"]
    logic = dead_code_elimin(trace(given, scores))
    path = folder / "model.v"
    path.write_text(comb_logic_gen(logic, "model"))
    files = [path]
    sources = resources.files("alkaid").joinpath("codegen/rtl/verilog/source")
    for name in ("shift_adder", "negative", "mux", "binop", "multiplier", "ternary_adder"):
        files.append(folder / f"{name}.v")
        with resources.as_file(sources.joinpath(f"{name}.v")) as source:
            shutil.copyfile(source, files[-1])
    out_kifs = np.asarray(logic.out_kifs)
    widths = out_kifs.sum(axis=0)
    ends = np.cumsum(widths)

    def result(bits: np.ndarray) -> np.ndarray:
        columns = [
            bits[:, e - w : e] @ (1 << np.arange(w)) for w, e in zip(widths, ends, strict=True)
        ]
        return np.stack(columns, axis=1)

    return Design(
        files=tuple(files),
        top="model",
        input="model_inp",
        output="model_out",
        in_width=net.n_inputs,
        out_width=int(ends[-1]),
        bits=lambda x: x,
        result=result,
        gates=sum(op.opcode in (9, 10) for op in logic.ops),
    )


PEERS = (Peer("alkaid", 20, write),)
