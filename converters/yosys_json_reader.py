"""Reading one module of a JSON netlist of yosys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from lgnx.converters.circuit import Circuit
from lgnx.converters.gate_order import GateCycleError, Gates, from_gates
from lgnx.converters.yosys_json_names import OF_YOSYS, Port, from_id, text_of
from lgnx.ops.errors import ModelError
from lgnx.ops.tables import MAX_INPUTS, pack_tables

# Pins of each cell, the low bit of the address first, and what it computes of them.
CELLS: dict[str, tuple[str, Callable[..., Any]]] = {
    "$_BUF_": ("A", lambda a: a),
    "$_NOT_": ("A", lambda a: ~a),
    "$_AND_": ("AB", lambda a, b: a & b),
    "$_NAND_": ("AB", lambda a, b: ~(a & b)),
    "$_OR_": ("AB", lambda a, b: a | b),
    "$_NOR_": ("AB", lambda a, b: ~(a | b)),
    "$_XOR_": ("AB", lambda a, b: a ^ b),
    "$_XNOR_": ("AB", lambda a, b: ~(a ^ b)),
    "$_ANDNOT_": ("AB", lambda a, b: a & ~b),
    "$_ORNOT_": ("AB", lambda a, b: a | ~b),
    "$_MUX_": ("ABS", lambda a, b, s: (b & s) | (a & ~s)),
    "$_NMUX_": ("ABS", lambda a, b, s: ~((b & s) | (a & ~s))),
    "$_AOI3_": ("ABC", lambda a, b, c: ~((a & b) | c)),
    "$_OAI3_": ("ABC", lambda a, b, c: ~((a | b) & c)),
    "$_AOI4_": ("ABCD", lambda a, b, c, d: ~((a & b) | (c & d))),
    "$_OAI4_": ("ABCD", lambda a, b, c, d: ~((a | b) & (c | d))),
}
_LUT = "$lut"
_NO_LOGIC = "$scopeinfo"  # where a module was before flattening


def circuit_of(source: dict[str, Any], where: str) -> Circuit:
    """Turn the content of a JSON netlist into a circuit; see `read_yosys_json`."""
    name, module = _only_module(source, where)
    return _Module(name, module, where).circuit()


def _only_module(content: dict[str, Any], where: str) -> tuple[str, dict[str, Any]]:
    modules = _table(content, "modules", where)
    logic = {
        name: module
        for name, module in modules.items()
        if not _is_box(_table(_object(module, f"{where}: module {name!r}"), "attributes", where))
    }
    if len(logic) != 1:
        found = ", ".join(map(repr, list(logic)[:5])) + (", ..." if len(logic) > 5 else "")
        raise ModelError(
            f"{where}: has {len(logic)} modules ({found}), must have one; "
            "the yosys command 'flatten' makes one of them, 'hierarchy -top' drops the others"
            if logic
            else f"{where}: has no module"
        )
    return next(iter(logic.items()))


def _is_box(attributes: dict[str, Any]) -> bool:
    """Whether a module is a box that only stands for cells of a library."""
    return any("1" in str(attributes.get(key, "")) for key in ("blackbox", "whitebox"))


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError(f"{what}: must be a JSON object")
    return value


def _table(owner: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    return _object(owner.get(key, {}), f"{where}: {key!r}")


class _Module:
    """A module that is being read."""

    def __init__(self, name: str, module: dict[str, Any], where: str) -> None:
        self.name = name
        self.where = f"{where}: module {name!r}"
        self.cells = _table(module, "cells", self.where)
        self.module = module
        # Literal of each net; the gates' nets follow as they are read.
        self.literals: dict[Any, int] = {"0": 0, "1": 1}
        self.drivers: list[str] = []

    def circuit(self) -> Circuit:
        for key in ("memories", "processes"):
            held = _table(self.module, key, self.where)
            if held:
                raise ModelError(
                    f"{self.where}: has {key} ({', '.join(map(repr, list(held)[:3]))}), must have "
                    "gates only; the yosys command 'synth -flatten' makes gates of them"
                )
        attributes = _table(self.module, "attributes", self.where)
        inputs: list[str] = []
        outputs: list[str] = []
        output_bits: list[Any] = []
        for port, entry in _table(self.module, "ports", self.where).items():
            what = f"{self.where}: port {port!r}"
            direction, bits, names = self._port(_object(entry, what), port, what)
            if direction == "input":
                for bit, name in zip(bits, names, strict=True):
                    self._drive(bit, f"input {name!r}")
                inputs += names
            else:
                outputs += names
                output_bits += [(bit, name) for bit, name in zip(bits, names, strict=True)]
        by_type = self._cells_by_type()
        groups = [self._gates(kind, members) for kind, members in by_type]
        literals = [self._literal(bit, f"output {name!r}") for bit, name in output_bits]
        try:
            netlist = from_gates(len(inputs), groups, np.array(literals, np.uint32))
        except GateCycleError as cycle:
            gates = [self.drivers[len(inputs) + gate] for gate in cycle.gates]
            raise ModelError(
                f"{self.where}: {gates[0]} depends on itself"
                + (f", through {', '.join(gates[1:4])}" if gates[1:] else "")
            ) from None
        metadata = {
            from_id(key): text
            for key, value in attributes.items()
            if key not in OF_YOSYS and (text := text_of(value)) is not None
        }
        circuit = Circuit(netlist, tuple(inputs), tuple(outputs), from_id(self.name), metadata)
        circuit.validate(self.where)
        try:
            " ".join([*inputs, *outputs, circuit.name, *metadata, *metadata.values()]).encode()
        except UnicodeEncodeError as error:  # JSON has codes for halves of characters
            raise ModelError(f"{self.where}: a name holds {error.object[error.start]!a}") from None
        return circuit

    def _port(
        self, entry: dict[str, Any], port: str, what: str
    ) -> tuple[str, list[Any], list[str]]:
        direction, bits = entry.get("direction"), entry.get("bits")
        if direction not in ("input", "output"):
            raise ModelError(f"{what}: direction is {direction!r}, must be 'input' or 'output'")
        if not isinstance(bits, list):
            raise ModelError(f"{what}: 'bits' must be a list of nets")
        offset, upto = entry.get("offset", 0), entry.get("upto", 0)
        if type(offset) is not int or type(upto) is not int:
            raise ModelError(f"{what}: 'offset' and 'upto' must be whole numbers")
        read = Port(from_id(port), direction, 0, len(bits), offset, upto)
        return direction, bits, read.bit_names

    def _drive(self, bit: Any, driver: str) -> None:
        if type(bit) is not int or bit < 0:
            raise ModelError(f"{self.where}: {driver} is connected to {bit!r}, must be to a net")
        self.drivers.append(driver)
        number = len(self.drivers)
        if self.literals.setdefault(bit, 2 * number) != 2 * number:
            other = self.drivers[self.literals[bit] // 2 - 1]
            raise ModelError(
                f"{self.where}: net {self._net(bit)} is driven by {other} and by {driver}"
            )

    def _cells_by_type(self) -> list[tuple[str | int, list[tuple[str, dict[str, Any]]]]]:
        """Sort the cells by type, $lut by width, and number their outputs in that order."""
        found: dict[str | int, list[tuple[str, dict[str, Any]]]] = {}
        for name, cell in self.cells.items():
            kind = _object(cell, f"{self.where}: cell {name!r}").get("type")
            if kind == _NO_LOGIC:
                continue
            if not isinstance(kind, str) or kind not in CELLS:
                kind = self._lut_width(name, cell)
            found.setdefault(kind, []).append((name, cell))
        for members in found.values():
            for name, cell in members:
                try:
                    (bit,) = cell["connections"]["Y"]
                except (KeyError, TypeError, ValueError):
                    raise self._pin_error(name, cell, "Y", 1) from None
                self._drive(bit, f"cell {name!r}")
        return list(found.items())

    def _lut_width(self, name: str, cell: dict[str, Any]) -> int:
        kind, what = cell.get("type"), f"{self.where}: cell {name!r}"
        if kind != _LUT:
            known = ", ".join([*CELLS, _LUT])
            raise ModelError(
                f"{what} is a {kind}, must be one of {known}; the yosys commands 'synth -flatten' "
                "and 'abc -g gates' make these of combinational logic"
            )
        width = self._parameter(name, cell, "WIDTH", 32)
        if not 1 <= width <= MAX_INPUTS:
            raise ModelError(f"{what}: WIDTH is {width}, must be 1 to {MAX_INPUTS}")
        return width

    def _parameter(self, name: str, cell: dict[str, Any], key: str, bits: int) -> int:
        """Value of a number among the parameters; negative where it has more bits."""
        what = f"{self.where}: cell {name!r}"
        value = _table(cell, "parameters", what).get(key)
        if isinstance(value, str) and re.fullmatch("[01]+", value):
            value = int(value, 2)
        if type(value) is not int:
            raise ModelError(f"{what}: parameter {key} is {value!r}, must be a number in binary")
        return value if 0 <= value < 1 << bits else -1

    def _gates(self, kind: str | int, members: list[tuple[str, dict[str, Any]]]) -> Gates:
        if isinstance(kind, int):
            pins, tables = [self._lut_pins(name, cell, kind) for name, cell in members], []
            for name, cell in members:
                table = self._parameter(name, cell, "LUT", 1 << kind)
                if table < 0:
                    raise ModelError(
                        f"{self.where}: cell {name!r}: parameter LUT has more than the "
                        f"{1 << kind} bits of {kind} inputs"
                    )
                tables.append(table.to_bytes(max(1, (1 << kind) // 8), "little"))
            packed = np.frombuffer(b"".join(tables), np.uint8).reshape(len(members), -1)
            k = kind
        else:
            names, function = CELLS[kind]
            pins = [self._gate_pins(name, cell, names) for name, cell in members]
            k = len(names)
            address = np.arange(1 << k)
            table = function(*(address >> i & 1 for i in range(k))) & 1
            packed = np.repeat(pack_tables(table[None].astype(bool)), len(members), axis=0)
        literals = self.literals
        try:
            fanins = np.array([[literals[bit] for bit in row] for row in pins], np.uint32)
        except (KeyError, TypeError):
            for (name, _), row in zip(members, pins, strict=True):
                for bit in row:
                    self._literal(bit, f"cell {name!r}")
            raise
        return Gates(packed, fanins.reshape(-1, k))

    def _gate_pins(self, name: str, cell: dict[str, Any], pins: str) -> list[Any]:
        connections, row = cell["connections"], []
        for pin in pins:
            try:
                (bit,) = connections[pin]
            except (KeyError, TypeError, ValueError):
                raise self._pin_error(name, cell, pin, 1) from None
            row.append(bit)
        return row

    def _lut_pins(self, name: str, cell: dict[str, Any], width: int) -> list[Any]:
        row = cell["connections"].get("A")
        if not isinstance(row, list) or len(row) != width:
            raise self._pin_error(name, cell, "A", width)
        return row

    def _pin_error(self, name: str, cell: dict[str, Any], pin: str, width: int) -> ModelError:
        what = f"{self.where}: cell {name!r} ({cell.get('type')})"
        connections = _table(cell, "connections", what)
        given = repr(connections[pin]) if pin in connections else "not connected"
        wanted = "one net" if width == 1 else f"{width} nets"
        return ModelError(f"{what}: pin {pin} is {given}, must be a list of {wanted}")

    def _literal(self, bit: Any, reader: str) -> int:
        if isinstance(bit, (int, str)) and bit in self.literals:
            return self.literals[bit]
        if type(bit) is int:
            raise ModelError(
                f"{self.where}: {reader} reads net {self._net(bit)}, which nothing drives"
            )
        raise ModelError(f"{self.where}: {reader} reads {bit!r}, must be a net, '0' or '1'")

    def _net(self, bit: int) -> str:
        """Number of a net, and its name where the file has one."""
        nets = self.module.get("netnames")
        for name, entry in nets.items() if isinstance(nets, dict) else ():
            bits = entry.get("bits") if isinstance(entry, dict) else None
            if isinstance(bits, list) and bit in bits:
                place = f"[{bits.index(bit)}]" if len(bits) > 1 else ""
                return f"{bit} ({name}{place})"
        return str(bit)
