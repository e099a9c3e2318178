"""C of the gates, in two styles: statements, or tables that a loop reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from lgnx.converters.c99_gates import (
    COMPLEMENT,
    OR,
    XOR,
    Gates,
    Output,
    Slots,
    Statement,
    by_level,
    depth_first,
)

CHUNK = 256
"""Statements of a function: compilers take more than linear time for a function."""

_FORMS = ("{0} & {1}", "{0} & ~{1}", "{0} | {1}", "{0} ^ {1}")


@dataclass(frozen=True)
class Code:
    """C of the gates.

    Attributes
    ----------
    text
        Definitions.
    lines
        Lines that it needs, those of a section included.
    sections
        For each section how many functions, or runs, lead to its lines.
    before
        As many lead to none.
    """

    text: str
    lines: int
    sections: list[int]
    before: int = 0


def statements(gates: Gates, slots: dict[int, int], taken: int) -> Code:
    """Write the gates as functions of statements.

    Parameters
    ----------
    gates
        What to write.
    slots
        Line of each input variable that is read.
    taken
        Lines that are written before the gates start.
    """
    chunks, counts = [], []
    for section in depth_first(gates):
        cut = [section[i : i + CHUNK] for i in range(0, len(section), CHUNK)]
        counts.append(len(cut))
        chunks += cut
    last: dict[int, tuple[int, int]] = {}
    for number, chunk in enumerate(chunks):
        for at, statement in enumerate(chunk):
            for variable in statement.reads:
                last[variable] = (number, at)
    slots, pool = dict(slots), _pool(slots, taken)
    bodies = []
    for number, chunk in enumerate(chunks):
        bodies.append(_chunk(gates, number, chunk, last, slots, pool))
    # Lines of outputs lie behind all others, whose number is known only now.
    text = "".join(
        f"static void ${{p}}_g{number}(${{p}}_lane *s) {{\n{body}}}\n\n"
        for number, body in enumerate(bodies)
    )
    names = [f"${{p}}_g{number}" for number in range(len(bodies))] or ["0"]
    text += "static void (*const ${p}_gates[])(${p}_lane *) = {\n"
    text += f"{rows(names)}}};\n"
    widest = max((len(section.outputs) for section in gates.sections), default=0)
    return Code(f"#define ${{P}}_OUT {pool.count}u\n\n{text}", pool.count + widest, counts)


def _chunk(
    gates: Gates,
    number: int,
    chunk: list[Statement],
    last: dict[int, tuple[int, int]],
    slots: dict[int, int],
    pool: Slots,
) -> str:
    known: set[int] = set()
    lines: list[str] = []
    for at, statement in enumerate(chunk):
        for variable in statement.reads:
            if variable not in known:
                known.add(variable)
                lines.append(f"  const ${{p}}_lane n{variable} = ${{P}}_S({slots[variable]});\n")
        for variable in statement.reads:
            if last[variable] == (number, at) and variable in slots:
                pool.free(slots.pop(variable))
        names = [f"n{variable}" for variable in statement.reads]
        if statement.output is not None:
            value = _line(gates, statement.output, names)
            lines.append(f"  ${{P}}_S(${{P}}_OUT + {statement.line}) = {value};\n")
            continue
        gate = statement.variable
        assert gate is not None
        form = _FORMS[gates.operations[gate - gates.n_inputs - 1]]
        lines.append(f"  const ${{p}}_lane n{gate} = {form.format(*names)};\n")
        known.add(gate)
        if last[gate][0] > number:
            slots[gate] = pool.take()
            lines.append(f"  ${{P}}_S({slots[gate]}) = n{gate};\n")
    return "".join(lines)


def _line(gates: Gates, output: Output, names: list[str]) -> str:
    if not output.variable:
        value = "(${p}_lane){0}"
    elif output.final:
        value = _FORMS[gates.operation(output) % COMPLEMENT].format(*names)
        value = f"({value})" if output.complement else value
    else:
        value = names[0]
    return f"~{value}" if output.complement else value


def tables(gates: Gates, slots: dict[int, int], taken: int) -> Code:
    """Write the gates as tables; parameters as for `statements`."""
    parts = by_level(gates)
    left: dict[int, int] = {}
    for part in parts:
        for statement in part:
            for variable in statement.reads:
                left[variable] = left.get(variable, 0) + 1
    slots, pool = dict(slots), _pool(slots, max(taken, 1))  # constants read line 0
    operands: list[int] = []  # three of each gate; -1 - n is line n of a section
    runs: list[tuple[int, int]] = []
    counts = []
    for part in parts:
        coded = [(_operation(gates, statement), statement) for statement in part]
        if part and part[0].output is not None:
            coded.sort(key=lambda pair: pair[0])
        counts.append(0)
        for operation, run in groupby(coded, key=lambda pair: pair[0]):
            start = len(operands)
            for _, statement in run:
                read = [slots[variable] for variable in statement.reads] or [0]
                for variable in statement.reads:
                    left[variable] -= 1
                    if not left[variable]:
                        pool.free(slots.pop(variable))
                if statement.variable is None:
                    written = -1 - statement.line
                else:
                    written = slots[statement.variable] = pool.take()
                operands += [read[0], read[-1], written]
            runs.append((operation, (len(operands) - start) // 3))
            counts[-1] += 1
    widest = max((len(section.outputs) for section in gates.sections), default=0)
    total = pool.count + widest
    numbers = [n if n >= 0 else pool.count - 1 - n for n in operands]
    text = (
        f"#define ${{P}}_OUT {pool.count}u\n\n"
        f"typedef uint{16 if total <= 1 << 16 else 32}_t ${{p}}_slot;\n\n"
        "/* Lines of each gate: two that it reads, one that it writes. */\n"
        f"static const ${{p}}_slot ${{p}}_gates[] = {{\n{rows(numbers or [0])}}};\n\n"
        "/* Operation and number of gates, one after another. */\n"
        "static const struct { uint8_t operation; uint32_t gates; } ${p}_runs[] = {\n"
        f"{rows([f'{{{op}, {n}}}' for op, n in runs] or ['{0, 0}'])}}};\n"
    )
    return Code(text, total, counts[1:], counts[0])


def _operation(gates: Gates, statement: Statement) -> int:
    output = statement.output
    if output is None:
        assert statement.variable is not None
        return gates.operations[statement.variable - gates.n_inputs - 1]
    if output.final:
        return gates.operation(output)
    return (OR if output.variable else XOR) + COMPLEMENT * output.complement


def _pool(slots: dict[int, int], taken: int) -> Slots:
    """Lines beyond those of the inputs that are read; the others are free."""
    pool = Slots(taken)
    for slot in sorted(set(range(taken)) - set(slots.values()), reverse=True):
        pool.free(slot)
    return pool


def rows(items: Iterable[object], width: int = 96) -> str:
    """Items of an initialiser in lines of about so many columns."""
    return "".join(f"{line}\n" for line in _rows(items, width))


def _rows(items: Iterable[object], width: int) -> Iterator[str]:
    line = " "
    for item in items:
        text = f" {item},"
        if len(line) + len(text) > width:
            yield line
            line = " "
        line += text
    yield line
