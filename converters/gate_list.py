"""Gates that name their nets, as text formats have them: collected in any order, then a netlist."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lgnx.converters.gate_order import GateCycleError, Gates, from_gates
from lgnx.netlist.netlist import Netlist
from lgnx.ops.errors import ModelError
from lgnx.ops.gates import AND, XOR
from lgnx.ops.tables import table_bytes

__all__ = ["FALSE", "TRUE", "GateList", "shown"]

FALSE, TRUE = 0, 1
"""The constants, as literals of a `GateList`."""

_COMPLEMENT = 0xF  # of a table of two inputs
_NOBODY = 0
_SHOWN_NETS = 6


@dataclass
class _Rows:
    """Gates of one fan-in, in columns."""

    tables: list[int] = field(default_factory=list)
    outputs: array[int] = field(default_factory=lambda: array("I"))
    fanins: array[int] = field(default_factory=lambda: array("I"))


class GateList:
    """Collects the ports and gates of one file.

    Nets are numbered; a literal is 2 * net + complement. Net 0 is constant false.

    Parameters
    ----------
    where
        Name of the file, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._numbers: dict[bytes, int] = {}
        self._names: list[bytes] = [b""]
        self._seen: list[int] = [0]  # line on which each net occurs first
        self._drivers: list[int] = [0]  # line on which each net is driven
        self._rows: dict[int, _Rows] = {}
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self._declared: set[int] = set()  # outputs

    def net(self, name: bytes, line: int) -> int:
        """Give the number of a net, a new one where the name is new."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
            self._seen.append(line)
            self._drivers.append(_NOBODY)
        return number

    def name(self, net: int) -> bytes:
        """Give the name of a net."""
        return self._names[net]

    def add_input(self, name: bytes, line: int) -> None:
        """Declare an input.

        Raises
        ------
        ModelError
            If the net is driven.
        """
        net = self.net(name, line)
        self._drive(net, line)
        self.inputs.append(net)

    def add_output(self, name: bytes, line: int) -> None:
        """Declare an output.

        Raises
        ------
        ModelError
            If it is declared already.
        """
        net = self.net(name, line)
        if net in self._declared:
            raise self.error(line, f"{shown(name)} is an output already")
        self._declared.add(net)
        self.outputs.append(net)

    def drive_constant(self, name: bytes, value: int) -> None:
        """Give a net a constant value, if it occurs and nothing drives it."""
        net = self._numbers.get(name)
        if net is not None and self._drivers[net] == _NOBODY:
            self.add_table(0b10, net, [value], self._seen[net])

    def add_table(self, table: int, net: int, fanins: Sequence[int], line: int) -> None:
        """Add a gate of k = 1 to 16 inputs.

        Parameters
        ----------
        table
            Bit j is the output at address j.
        net
            What it drives.
        fanins
            Literals; the first is the low bit of the address.
        line
            Where it stands.

        Raises
        ------
        ModelError
            If the net is driven already.
        """
        self._drive(net, line)
        rows = self._rows.get(len(fanins))
        if rows is None:
            rows = self._rows[len(fanins)] = _Rows()
        rows.tables.append(table)
        rows.outputs.append(net)
        rows.fanins.extend(fanins)

    def add_all_of(
        self, net: int, literals: Sequence[int], line: int, *, complement: bool = False
    ) -> None:
        """Add an AND of any number of literals, as a balanced tree; a NAND with ``complement``."""
        self._tree(AND, net, list(literals) or [TRUE], line, complement)

    def add_any_of(
        self, net: int, literals: Sequence[int], line: int, *, complement: bool = False
    ) -> None:
        """Add an OR of any number of literals, as a balanced tree; a NOR with ``complement``."""
        inverted = [literal ^ 1 for literal in literals]
        self.add_all_of(net, inverted, line, complement=not complement)

    def add_parity(
        self, net: int, literals: Sequence[int], line: int, *, complement: bool = False
    ) -> None:
        """Add an XOR of literals, as a balanced tree; an XNOR with ``complement``."""
        self._tree(XOR, net, list(literals) or [FALSE], line, complement)

    def all_of(self, literals: Sequence[int], line: int) -> int:
        """Give a literal that is the AND of others, on a net without a name where it needs one."""
        if len(literals) < 2:
            return literals[0] if literals else TRUE
        net = self._unnamed(line)
        self.add_all_of(net, literals, line)
        return 2 * net

    def netlist(self) -> Netlist:
        """Give the netlist of everything that was added.

        Raises
        ------
        ModelError
            If a net is read that nothing drives, or gates feed each other.
        """
        self._check_driven()
        groups, nets = [], [0, *self.inputs]
        for k, rows in sorted(self._rows.items()):
            fanins = np.frombuffer(rows.fanins, np.uint32).reshape(-1, k)
            groups.append((_packed(rows.tables, k), fanins))
            nets += rows.outputs
        variables = np.zeros(len(self._names), np.uint32)
        variables[nets] = np.arange(len(nets), dtype=np.uint32)

        def literals(of_nets: np.ndarray) -> np.ndarray:
            return 2 * variables.take(of_nets >> 1) + (of_nets & 1)

        outputs = 2 * np.array(self.outputs, np.uint32)
        try:
            return from_gates(
                len(self.inputs),
                [Gates(tables, literals(fanins)) for tables, fanins in groups],
                literals(outputs),
            )
        except GateCycleError as cycle:
            first = len(self.inputs) + 1
            raise self._cycle([nets[first + gate] for gate in cycle.gates]) from None

    def error(self, line: int, message: str) -> ModelError:
        """Give an error that names the file and the line."""
        return ModelError(f"{self.where}: line {line}: {message}")

    def _drive(self, net: int, line: int) -> None:
        if self._drivers[net] != _NOBODY:
            raise self.error(
                line, f"{shown(self._names[net])} is driven on line {self._drivers[net]} already"
            )
        self._drivers[net] = line

    def _unnamed(self, line: int) -> int:
        self._names.append(b"")
        self._seen.append(line)
        self._drivers.append(_NOBODY)
        return len(self._names) - 1

    def _tree(self, table: int, net: int, literals: list[int], line: int, complement: bool) -> None:
        while len(literals) > 2:
            pairs = []
            for i in range(0, len(literals) - 1, 2):
                between = self._unnamed(line)
                self.add_table(table, between, literals[i : i + 2], line)
                pairs.append(2 * between)
            literals = pairs + literals[2 * len(pairs) :]
        if len(literals) == 1:
            self.add_table(0b01 if complement else 0b10, net, literals, line)
        else:
            self.add_table(table ^ _COMPLEMENT if complement else table, net, literals, line)

    def _check_driven(self) -> None:
        drivers = np.array(self._drivers)
        drivers[0] = 1
        loose = np.flatnonzero(drivers == _NOBODY)
        if not len(loose):
            return
        net = min(loose.tolist(), key=lambda net: self._seen[net])
        raise self.error(
            self._seen[net], f"{shown(self._names[net])} is driven by no input and no gate"
        )

    def _cycle(self, nets: list[int]) -> ModelError:
        named = [net for net in nets if self._names[net]]
        start = min(range(len(named)), key=lambda i: self._drivers[named[i]])
        named = named[start:] + named[: start + 1]
        path = [shown(self._names[net]) for net in named]
        if len(path) > _SHOWN_NETS:
            path[_SHOWN_NETS - 1 : -1] = [f"({len(path) - _SHOWN_NETS} more)"]
        line = self._drivers[named[0]]
        return self.error(line, f"gates feed each other in a circle: {' -> '.join(path)}")


def shown(name: bytes) -> str:
    """Give a name as it stands in messages."""
    text = repr(name.decode("utf-8", "backslashreplace"))
    return text if len(text) <= 80 else f"{text[:60]}... ({len(name)} characters)"


def _packed(tables: list[int], k: int) -> np.ndarray:
    """Tables as numbers to uint8 [n, max(1, 2^k / 8)]."""
    size = table_bytes(k)
    if size <= 8:
        words = np.array(tables, np.uint64).astype("<u8", copy=False)
        return words.view(np.uint8).reshape(-1, 8)[:, :size]
    data = b"".join(table.to_bytes(size, "little") for table in tables)
    return np.frombuffer(data, np.uint8).reshape(-1, size)
