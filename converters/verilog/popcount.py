"""Verilog of the module that counts the ones of a group."""

from __future__ import annotations

from lgnx.converters.verilog.trees import AdderLevel, adder_tree

__all__ = ["LEAF", "popcount_body", "popcount_registers"]

LEAF, _BITWISE_LEAF = 6, 3


def popcount_registers(size: int, every: int | None) -> int:
    """Registers on the way through the module."""
    return sum(level.register for level in adder_tree(size, LEAF, every)[1])


def popcount_body(size: int, every: int | None, words: dict[str, str], stalls: bool) -> list[str]:
    """Lines between the ports and ``endmodule``: from ``x`` to ``count``.

    There are two forms of one function, of equal latency: adders of numbers, for hardware; and
    full adders on bits, which a simulation can make several samples wide (``LGNX_BITWISE``).

    Parameters
    ----------
    size
        Bits of ``x``, at least 2.
    every
        Levels of adders between registers; None for none.
    words
        `Interface.words`.
    stalls
        Whether registers wait for ``enable``.
    """
    registers = popcount_registers(size, every)
    process = f"{words['ff']} " + ("if (enable) " if stalls else "")
    width = size.bit_length()
    lines = ["`ifdef LGNX_BITWISE", *_tree(size, _BITWISE_LEAF, None, words, process)]
    place = "total"
    for number in range(registers):
        lines.append(f"  {words['reg']} [{width - 1}:0] `LGNX_LANE late{number};")
        lines.append(f"  {process}late{number} <= {place};")
        place = f"late{number}"
    lines += [f"  assign count = {place};", "`else"]
    lines += [*_tree(size, LEAF, every, words, process), "  assign count = total;", "`endif"]
    return lines


def _tree(
    size: int, leaf: int, every: int | None, words: dict[str, str], process: str
) -> list[str]:
    bits, levels = adder_tree(size, leaf, every)
    bitwise = leaf == _BITWISE_LEAF
    zeros = bits - size
    padded = f"{{{{({zeros} * `LGNX_LANES){{1'b0}}}}, x}}" if zeros else "x"
    lines = [f"  wire [{bits - 1}:0] `LGNX_LANE in0 = {padded};", "  genvar i;"]
    if bitwise:
        lines.append("  genvar b;")
    before, own = "", "in0"
    for number, level in enumerate(levels):
        name = f"sum{number}"
        lines.append(f"  wire [{level.count * level.width - 1}:0] `LGNX_LANE {name};")
        previous = levels[number - 1] if number else None
        make = _full_adders if bitwise else _adders
        lines += make(level, previous, number, name, before, own, leaf)
        if previous is not None and level.handed_on:
            lines += _hand_on(level, previous, name, before)
        before = name
        if level.register:
            lines.append(f"  {words['reg']} [{level.count * level.width - 1}:0] held{number};")
            lines.append(f"  {process}held{number} <= {name};")
            before = f"held{number}"
            left = levels[number + 1].first_bit
            lines.append(f"  {words['reg']} [{bits - 1}:{left}] in{number + 1};")
            lines.append(f"  {process}in{number + 1} <= {own}[{bits - 1}:{left}];")
            own = f"in{number + 1}"
    lines.append(f"  wire [{size.bit_length() - 1}:0] `LGNX_LANE total = {before};")
    return lines


def _hand_on(level: AdderLevel, previous: AdderLevel, name: str, before: str) -> list[str]:
    """The odd number at the end of the level before."""
    source = f"{before}[{(previous.count - 1) * previous.width} +: {previous.width}]"
    wider = level.width - previous.width
    value = f"{{{{({wider} * `LGNX_LANES){{1'b0}}}}, {source}}}" if wider else source
    place = f"{name}[{(level.count - 1) * level.width} +: {level.width}]"
    return [f"  assign {place} = {value};"]


def _zero(width: int) -> str:
    return f"{width}'b0, " if width else ""


def _adders(
    level: AdderLevel,
    previous: AdderLevel | None,
    number: int,
    name: str,
    before: str,
    own: str,
    leaf: int,
) -> list[str]:
    """Sums written as sums."""
    width = level.width
    if previous is None:
        terms = [f"{{{_zero(width - 1)}{own}[{leaf}*i + {j}]}}" for j in range(leaf)]
    else:
        old, wider = previous.width, _zero(width - previous.width)
        terms = [f"{{{wider}{before}[{2 * old}*i + {j * old} +: {old}]}}" for j in (0, 1)]
        terms.append(f"{{{_zero(width - 1)}{own}[{level.first_bit} + i]}}")
    total = "\n        + ".join(terms)
    return [
        "  generate",
        f"    for (i = 0; i < {level.adders}; i = i + 1) begin : add{number}",
        f"      assign {name}[{width}*i +: {width}] = {total};",
        "    end",
        "  endgenerate",
    ]


def _full_adders(
    level: AdderLevel,
    previous: AdderLevel | None,
    number: int,
    name: str,
    before: str,
    own: str,
    leaf: int,
) -> list[str]:
    """The same sums as full adders, bit by bit."""
    width = level.width
    old = previous.width if previous else 1
    if previous is None:
        a, b, carry = (f"{own}[{leaf}*i + {j}]" for j in range(3))
    else:
        a, b = (f"{before}[{2 * old}*i + {j * old} + b]" for j in (0, 1))
        carry = f"{own}[{level.first_bit} + i]"
    chain = f"carry{number}"
    lines = [
        f"  wire [{level.adders * (old + 1) - 1}:0] `LGNX_LANE {chain};",
        "  generate",
        f"    for (i = 0; i < {level.adders}; i = i + 1) begin : add{number}",
        f"      assign {chain}[{old + 1}*i] = {carry};",
        f"      for (b = 0; b < {old}; b = b + 1) begin : digit",
        f"        assign {name}[{width}*i + b] = {a} ^ {b} ^ {chain}[{old + 1}*i + b];",
        f"        assign {chain}[{old + 1}*i + b + 1] = ({a} & {b})",
        f"          | ({chain}[{old + 1}*i + b] & ({a} ^ {b}));",
        "      end",
    ]
    if width > old:
        lines.append(f"      assign {name}[{width}*i + {old}] = {chain}[{old + 1}*i + {old}];")
    return [*lines, "    end", "  endgenerate"]
