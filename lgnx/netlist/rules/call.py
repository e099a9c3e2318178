"""What a rule gets to see of the node that it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.rules.tables import whole
from lgnx.netlist.rules.values import NotBooleanError, Symbols, constant_symbols
from lgnx.ops import DOMAIN, OPERATORS


@dataclass
class Call:
    """One node on symbolic values and constants.

    Attributes
    ----------
    node
        The node.
    inputs
        For each input its symbolic value or its constant; None where the input is absent.
    builder
        Gets the gates.
    opset
        Version of the ONNX domain.
    """

    node: ir.Node
    inputs: Sequence[Symbols | np.ndarray | None]
    builder: NetlistBuilder
    opset: int

    def attributes(self) -> dict[str, Any]:
        """Attributes by name; those of lgnx operators with their defaults."""
        given = {name: a.value for name, a in self.node.attributes.items()}
        if self.node.domain != DOMAIN:
            return given
        return OPERATORS[self.node.op_type].with_defaults(given)

    def given(self, i: int) -> bool:
        """Tell whether there is an input i."""
        return i < len(self.inputs) and self.inputs[i] is not None

    def raw(self, i: int) -> Symbols:
        """Input i as a symbolic value, which a constant of whole numbers can be, too."""
        value = self.inputs[i]
        assert value is not None
        return value if isinstance(value, Symbols) else constant_symbols(value)

    def symbols(self, i: int) -> Symbols:
        """Input i as whole numbers."""
        return whole(self.builder, self.raw(i))

    def bits(self, i: int) -> Symbols:
        """Input i, which must be bits."""
        value = self.symbols(i)
        if not value.is_bits:
            raise NotBooleanError(f"its input {self.name(i)!r} is not bool")
        return value

    def constant(self, i: int) -> np.ndarray:
        """Input i, which must be constant."""
        value = self.inputs[i]
        if not isinstance(value, np.ndarray):
            raise NotBooleanError(f"its input {self.name(i)!r} is not constant")
        return value

    def with_scalar(self) -> tuple[Symbols, np.ndarray, int] | None:
        """Two inputs that are numbers and a single constant: these, and which one is constant."""
        if len(self.inputs) != 2:
            return None
        for i, (c, x) in enumerate((self.inputs, self.inputs[::-1])):
            if isinstance(c, np.ndarray) and c.size == 1 and isinstance(x, Symbols):
                return (x, c.reshape(()), i) if c.ndim <= len(x.shape) else None
        return None

    @staticmethod
    def wants_table(x: Symbols, c: np.ndarray) -> bool:
        """Tell whether a function of x and a constant is better kept as a table than made."""
        return x.table is not None or (c.dtype.kind == "f" and bool(c != np.floor(c)))

    def name(self, i: int) -> str:
        """Name of input i."""
        value = self.node.inputs[i]
        return "" if value is None else value.name or ""


Rule = Callable[[Call], list[Symbols]]
