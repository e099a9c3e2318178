"""Verilog of the module that counts the ones of a group."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lgnx.converters.verilog.counters import COUNTED, Counters, Plan, counter_plan
from lgnx.converters.verilog.packed import Row, pack

__all__ = ["packed_counters", "popcount_body", "popcount_registers"]

_ROW = 8  # slices on a line
_ALONE = 8  # of fewer counters side by side each is written by itself
_WORDS = {2: "two", 3: "three", 6: "six"}


def popcount_registers(size: int, every: int | None) -> int:
    """Registers on the way through the module."""
    return 0 if every is None else max(0, counter_plan(size).levels - 1) // every


def packed_counters(size: int) -> tuple[list[Row], list[int]]:
    """Give the counters as rows, no registers between, and the nets of the count, lowest first.

    Net 0 is zero, then come ``size`` bits, then three of each counter. All counters have six nets:
    of those with fewer bits, some are zero, and synthesis leaves what is over.
    """
    plan = counter_plan(size)
    place = {bit: 1 + bit for bit in range(size)}
    words: list[list[int]] = []
    for each in plan.counters:
        for i in range(each.count):
            own = [place[bit] for bit in each.inputs[i :: each.count]]
            for digit, bit in enumerate(each.outputs[i :: each.count]):
                place[bit] = 1 + size + 3 * len(words) + digit
            words.append(own + [0] * (COUNTED - len(own)))
    nets = 1 + size + 3 * len(words)
    rows = pack(np.array(words), [], 0, width=(nets - 1).bit_length())
    return rows, [place[bit] for bit in plan.result]


def popcount_body(size: int, every: int | None, words: dict[str, str], stalls: bool) -> list[str]:
    """Lines between the ports and ``endmodule``: from ``x`` to ``count``.

    Parameters
    ----------
    size
        Bits of ``x``, at least 2.
    every
        Levels of counters between registers, see `Counters.level`; None for none.
    words
        `Interface.words`.
    stalls
        Whether registers wait for ``enable``.
    """
    plan = _alone(counter_plan(size))
    process = f"{words['ff']} " + ("if (enable) " if stalls else "")
    places = {bit: ("x", bit) for bit in range(size)}
    kinds = {(each.bits, each.count, len(each.outputs) // each.count) for each in plan.counters}
    lines = [line for kind in sorted(kinds) for line in _function(*kind)]
    last = popcount_registers(size, every)
    for stage in range(last + 1):
        for number, each in enumerate(plan.counters):
            if _stage(each, every) == stage:
                lines += _counters(number, each, places)
        if stage < last:
            crossing = sorted(_crossing(plan, every, stage) & set(places))
            lines.append(f"  {words['reg']} [{len(crossing) - 1}:0] `LGNX_LANE held{stage};")
            lines.append(f"  {process}held{stage} <= {_slices(crossing, places)};")
            places = {bit: (f"held{stage}", i) for i, bit in enumerate(crossing)}
    lines.append(f"  assign count = {_slices(plan.result, places)};")
    return lines


def _alone(plan: Plan) -> Plan:
    """Take few counters apart, which is shorter than a function of their own."""
    counters: list[Counters] = []
    for each in plan.counters:
        if each.count >= _ALONE:
            counters.append(each)
            continue
        counters += [
            Counters(each.inputs[i :: each.count], each.bits, each.outputs[i :: each.count],
                     each.level)
            for i in range(each.count)
        ]  # fmt: skip
    return Plan(plan.size, tuple(counters), plan.result)


def _stage(counters: Counters, every: int | None) -> int:
    return 0 if every is None else (counters.level - 1) // every


def _crossing(plan: Plan, every: int | None, stage: int) -> set[int]:
    """Bits that are read behind a stage."""
    read = set(plan.result)
    return read.union(*(c.inputs for c in plan.counters if _stage(c, every) > stage))


def _counters(number: int, each: Counters, places: dict[int, tuple[str, int]]) -> list[str]:
    width, name = len(each.outputs), f"sum{number}"
    call = f"{_name(each.bits, each.count, width // each.count)}({_slices(each.inputs, places)})"
    places.update({bit: (name, i) for i, bit in enumerate(each.outputs)})
    return [f"  wire [{width - 1}:0] `LGNX_LANE {name} = {call};"]


def _slices(bits: Iterable[int], places: dict[int, tuple[str, int]]) -> str:
    """Bits as a vector, the first one lowest."""
    runs: list[tuple[str, int, int]] = []
    for bit in bits:
        name, i = places[bit]
        if runs and runs[-1][0] == name and runs[-1][2] == i - 1:
            runs[-1] = (name, runs[-1][1], i)
        else:
            runs.append((name, i, i))
    parts = [
        f"{name}[{low}]" if low == high else f"{name}[{high}:{low}]"
        for name, low, high in reversed(runs)
    ]
    rows = [", ".join(parts[i : i + _ROW]) for i in range(0, len(parts), _ROW)]
    return "{" + ",\n    ".join(rows) + "}"


def _name(bits: int, count: int, given: int) -> str:
    short = "" if given == bits.bit_length() else f"_to_{given}"
    return f"{_WORDS[bits]}{short}_x{count}"


def _function(bits: int, count: int, given: int) -> list[str]:
    """Counters side by side, of operations on bits: these can be several samples wide."""
    name, high = _name(bits, count, given), count - 1
    slices = (f"{(i + 1) * count - 1}:{i * count}" if count > 1 else i for i in range(6))
    a, b, c, d, e, f = (f"v[{part}]" for part in slices)
    lines = [
        f"  // Ones among {_WORDS[bits]} bits" + (f", {count} times." if count > 1 else "."),
        f"  function automatic [{given * count - 1}:0] `LGNX_LANE {name};",
        f"    input [{bits * count - 1}:0] `LGNX_LANE v;",
    ]
    if bits == 2:
        sums = [f"{a} & {b}", f"{a} ^ {b}"]
    elif bits == 3:
        sums = [f"({a} & {b}) | ({c} & ({a} ^ {b}))", f"{a} ^ {b} ^ {c}"]
    else:
        sums = ["(k & l) | (m & (k ^ l))", "k ^ l ^ m", "p ^ q"]
        lines.append(f"    reg [{high}:0] `LGNX_LANE p, q, k, l, m;")
    lines.append("    begin")
    if bits == 6:
        lines += [
            f"      p = {a} ^ {b} ^ {c};",
            f"      k = ({a} & {b}) | ({c} & ({a} ^ {b}));",
            f"      q = {d} ^ {e} ^ {f};",
            f"      l = ({d} & {e}) | ({f} & ({d} ^ {e}));",
            "      m = p & q;",
        ]
    lines.append(f"      {name} = {{{', '.join(sums[-given:])}}};")
    return [*lines, "    end", "  endfunction"]
