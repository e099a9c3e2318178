"""What each module of a design must compute, as netlists made from the model."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lgnx.converters.verilog.counters import counter_plan
from lgnx.converters.verilog.encoder import Encoder, encode, input_literals
from lgnx.converters.verilog.fixed_point import FixedPoint
from lgnx.converters.verilog.logic import Logic, plan_logic
from lgnx.converters.verilog.stages import Part
from lgnx.netlist.arithmetic import Number, Sum, less, tournament
from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist
from lgnx.network import Network
from lgnx.ops.errors import ComparisonError
from lgnx.verify.rtl import Rtl

__all__ = [
    "argmax_netlist",
    "at_least",
    "check_decisions",
    "encoder_netlist",
    "encoder_of",
    "logic_of",
    "model_netlist",
    "popcount_netlist",
    "stage_netlist",
]


def encoder_of(rtl: Rtl, network: Network) -> Encoder:
    """Give the comparators of a model in the formats of a design."""
    forms = {str(i): str(form) for i, form in enumerate(rtl.input.values)}
    ports = {str(i): str(form) for i, form in enumerate(rtl.input.ports)}
    return encode(network, {"features": forms}, {"features": ports})


def logic_of(rtl: Rtl, network: Network) -> Logic:
    """Give what the stages of a design hold."""
    return plan_logic(network, encoder_of(rtl, network), rtl.cutting)


def check_decisions(network: Network, encoder: Encoder) -> int:
    """Check in whole numbers that every comparison at the port decides as the model does.

    A decision changes once from no to yes as values grow, so the two values around each change tell
    of all.

    Returns
    -------
    int
        Thresholds that were checked.

    Raises
    ------
    ComparisonError
        Naming the first feature, threshold and value on which model and port differ.
    """
    if network.thresholds is None:
        return 0
    known: set[tuple[float, int | bool, FixedPoint, FixedPoint]] = set()
    rows = zip(
        network.thresholds.tolist(), encoder.decisions, encoder.forms, encoder.ports, strict=True
    )
    for feature, (thresholds, decisions, form, port) in enumerate(rows):
        for threshold, decision in zip(thresholds, decisions, strict=True):
            if (case := (threshold, decision, form, port)) in known:
                continue  # pixels are alike
            known.add(case)
            for code in _telling_codes(threshold, decision, form, port):
                value = form.value(code)
                wanted = _decides(value, threshold, network.strict)
                carried = (value * Fraction(2) ** port.fraction_bits).__floor__()
                found = decision if isinstance(decision, bool) else carried > decision
                if wanted != found:
                    raise ComparisonError(
                        f"feature {feature}: threshold {threshold!r}: the port decides "
                        f"{bool(found)} for the value {float(value)!r}, the model {wanted}"
                    )
    return network.thresholds.size


def _decides(value: Fraction, threshold: float, strict: bool) -> bool:
    if threshold != threshold:
        return False
    if threshold in (float("inf"), float("-inf")):
        return threshold < 0
    return value > Fraction(threshold) if strict else value >= Fraction(threshold)


def _telling_codes(
    threshold: float, decision: int | bool, form: FixedPoint, port: FixedPoint
) -> set[int]:
    """Codes of the input format: its ends, and those around both changes."""
    codes = {form.lowest, form.highest}
    centres = []
    if threshold == threshold and abs(threshold) != float("inf"):
        centres.append(Fraction(threshold))
    if not isinstance(decision, bool):
        centres.append(port.value(decision + 1))
    for centre in centres:
        code = (centre * Fraction(2) ** form.fraction_bits).__floor__()
        codes |= {code - 1, code, code + 1}
    return {code for code in codes if form.lowest <= code <= form.highest}


def encoder_netlist(encoder: Encoder) -> Netlist:
    """From the bits of the port to the bits of the logic."""
    builder = NetlistBuilder(encoder.offsets[-1])
    port = builder.inputs()
    bits = []
    for feature, code in encoder.bits:
        form = encoder.ports[feature]
        own = port[encoder.offsets[feature] : encoder.offsets[feature + 1]]
        if code is None:
            bits.append(own[0])
            continue
        # The sign bit turned round, codes in two's complement compare as whole numbers.
        turned = 1 << (form.width - 1) if form.signed else 0
        if form.signed:
            own = np.append(own[:-1], own[-1] ^ np.uint32(1))
        number = Number(own[:, None], 0, (1 << form.width) - 1)
        limit = Number.constant(np.array([code + turned], np.int64))
        if code + turned >= 1 << 63:
            planes = [(code + turned) >> w & 1 for w in range(form.width)]
            limit = Number(np.array(planes, np.uint32)[:, None], 0, (1 << form.width) - 1)
        bits.append(less(builder, limit, number)[0])
    return builder.finish(np.array(bits, np.uint32))


def stage_netlist(netlist: Netlist, part: Part) -> Netlist:
    """One stage: from what it reads to what it gives."""
    literals = np.zeros(netlist.first_node + netlist.n_nodes, np.uint32)
    given = 2 * np.arange(1, len(part.inputs) + 1, dtype=np.uint32)
    literals[part.inputs >> 1] = given ^ (part.inputs & 1)
    first = len(part.inputs) + 1
    literals[part.nodes] = 2 * np.arange(first, first + len(part.nodes), dtype=np.uint32)
    own = part.nodes - netlist.first_node

    def moved(old: np.ndarray) -> np.ndarray:
        return (literals[old >> 1] ^ (old & 1)).astype(np.uint32)

    return Netlist(
        len(part.inputs), netlist.kinds[own], moved(netlist.fanins[own]), moved(part.outputs)
    )


def popcount_netlist(size: int) -> Netlist:
    """Ones among bits, low bit first, by the counters that the hardware has.

    Bits of a weight are replaced by their sum, each bit once, so the total stays what it is
    whatever the plan; that it is the hardware's only makes the proof fast.
    """
    builder, plan = NetlistBuilder(size), counter_plan(size)
    waiting = {(bit, 0): literal for bit, literal in enumerate(builder.inputs().tolist())}
    columns = dict.fromkeys(range(size), 0)
    for each in plan.counters:
        bits = np.array(each.inputs).reshape(each.bits, each.count)
        column = columns[each.inputs[0]]
        literals = [[waiting.pop((bit, column)) for bit in row] for row in bits.tolist()]
        total = Sum(builder, (each.count,))
        for row in literals:
            total.add(Number(np.array([row], np.uint32), 0, 1))
        # Planes beyond those that the hardware has are carries beyond the width of the count.
        planes = total.finish().planes.reshape(-1, each.count)
        for place in range(len(each.outputs) // each.count):
            for i, literal in enumerate(planes[place].tolist()):
                bit = each.outputs[place * each.count + i]
                columns[bit] = column + place
                waiting[bit, column + place] = literal
    outputs = [waiting.pop((bit, column)) for column, bit in enumerate(plan.result)]
    assert not waiting, "a bit is not counted"
    return builder.finish(np.array(outputs, np.uint32))


def argmax_netlist(groups: int, width: int) -> Netlist:
    """Lowest index of the largest of some numbers."""
    builder = NetlistBuilder(groups * width)
    numbers = Number(builder.inputs().reshape(groups, width).T, 0, (1 << width) - 1)
    _, place = tournament(builder, numbers)
    return builder.finish(place.planes)


def at_least(builder: NetlistBuilder, count: np.ndarray, limit: int) -> int:
    """Whether a number, literals [W] with the low bit first, is at least a limit."""
    highest = (1 << len(count)) - 1
    if limit <= 0 or limit > highest:
        return int(limit <= 0)
    number = Number(count[:, None], 0, highest)
    return int(less(builder, Number.constant(np.array([limit - 1])), number)[0])


def model_netlist(network: Network, encoder: Encoder) -> Netlist:
    """The model's logic on the bits that the encoder gives, equal and constant ones put in.

    Outputs stand in the design's order, in which each stays in its group.
    """
    netlist = network.netlist
    outputs = netlist.outputs[_checked_order(encoder.order, network.groups)]
    first = len(encoder.bits) + 1
    inputs = input_literals(network, encoder)
    nodes = 2 * np.arange(first, first + netlist.n_nodes, dtype=np.uint32)
    literals = np.concatenate([np.array([0, *inputs], np.uint32), nodes])
    return Netlist(
        len(encoder.bits),
        netlist.kinds,
        literals[netlist.fanins >> 1] ^ (netlist.fanins & 1),
        literals[outputs >> 1] ^ (outputs & 1),
    )


def _checked_order(order: np.ndarray, groups: int) -> np.ndarray:
    """Check that the order of the outputs changes no count."""
    rows = order.reshape(groups, -1) if groups else order[:, None]
    if not (np.sort(rows, axis=1) == np.arange(order.size).reshape(rows.shape)).all():
        raise ComparisonError("the design counts other outputs than the model does")
    return order
