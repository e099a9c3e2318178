"""LogicDense for torch: a layer of truth tables, each reading k bits of its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from lgnx.torch._checks import check_call
from lgnx.torch._lookup import chunks, look_up
from lgnx.torch._module import ExactModule, as_indices, as_tensor

__all__ = ["LogicDense", "logic_dense", "translation"]


@torch.library.custom_op("lgnx::logic_dense", mutates_args=())
def logic_dense(x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """Evaluate a layer of truth tables.

    Parameters
    ----------
    x
        bool [..., I].
    indices
        int32 or uint16 [N, k]; ``x[..., indices[n, i]]`` is input x_i of neuron n, x_0 the least
        significant bit of the table's address.
    tables
        uint8 [N, max(1, 2^k / 8)], as `lgnx.ops.tables.pack_tables` gives it.

    Returns
    -------
    torch.Tensor
        bool [..., N].

    Raises
    ------
    InputError
        If shapes, dtypes or indices do not fit.
    """
    indices = as_indices(indices)
    check_call("LogicDense", {}, x, {"indices": indices, "tables": tables})
    rows = x.reshape(-1, x.shape[-1]).t().contiguous()
    wires = indices.long().t()
    n, cases = wires.shape[1], rows.shape[1]
    parts = [look_up(rows[wires[:, part]], tables[part]) for part in chunks(n, len(wires) * cases)]
    return torch.cat(parts).t().reshape(*x.shape[:-1], n).contiguous()


@logic_dense.register_fake
def _(x: torch.Tensor, indices: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    check_call("LogicDense", {}, x)
    return x.new_empty((*x.shape[:-1], indices.shape[0]), dtype=torch.bool)


def translation(opset: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give the torch operator and what makes its ONNX node."""

    def translate(x: Any, indices: Any, tables: Any) -> Any:
        return opset.LogicDense(x, indices, tables)

    return torch.ops.lgnx.logic_dense.default, translate


class LogicDense(ExactModule):
    """A layer of truth tables.

    Parameters
    ----------
    indices
        int32 [N, k], tensor or array; may also be uint16.
    tables
        uint8 [N, max(1, 2^k / 8)].

    Raises
    ------
    InputError
        If they are not indices and tables of one layer.
    """

    indices: torch.Tensor
    tables: torch.Tensor

    def __init__(self, indices: Any, tables: Any) -> None:
        super().__init__()
        constants = {
            "indices": as_indices(indices),
            "tables": as_tensor("tables", tables),
        }
        check_call("LogicDense", {}, constants=constants)
        for name, value in constants.items():
            self.register_buffer(name, value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map bool [..., I] to bool [..., N]."""
        return logic_dense(x, self.indices, self.tables)

    def extra_repr(self) -> str:
        """Say how many tables of how many inputs there are."""
        return f"neurons={self.indices.shape[0]}, inputs={self.indices.shape[1]}"
