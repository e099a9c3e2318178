"""Truth tables of torchlogix's layers, packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lgnx.ops.errors import ModelError
from lgnx.ops.tables import pack_tables

if TYPE_CHECKING:
    import torch

__all__ = ["packed_tables"]

# Numbers that a parametrization works on at once: some tens of megabytes with its intermediates.
BUDGET = 1 << 21


def packed_tables(parametrization: Any, weight: torch.Tensor, k: int) -> torch.Tensor:
    """Evaluate a parametrization in evaluation mode at every address.

    Parameters
    ----------
    parametrization
        That of the layer.
    weight
        [N, basis] for a dense layer, [nodes, K, basis] for a level of the trees of K kernels.
    k
        Inputs of each table.

    Returns
    -------
    torch.Tensor
        uint8 [N, nb] or [K, nodes, nb], nb = max(1, 2^k / 8); slot 0 is the least significant bit
        of the address.

    Raises
    ------
    ModelError
        If an output is neither 0 nor 1.
    """
    import torch

    weight = weight.detach()
    nodes = len(weight) if weight.ndim == 3 else 1
    step = max(1, BUDGET // (nodes * k << k))
    parts = [_evaluate(parametrization, part, k) for part in weight.split(step, dim=-2)]
    outputs = torch.cat(parts)
    if not ((outputs == 0) | (outputs == 1)).all():
        raise ModelError("its outputs in evaluation mode are not all 0 or 1")
    return torch.from_numpy(pack_tables(outputs.bool().cpu().numpy())).to(weight.device)


def _evaluate(parametrization: Any, weight: torch.Tensor, k: int) -> torch.Tensor:
    """Give the outputs, [N, 2^k] or [K, nodes, 2^k], as the layers themselves compute them."""
    import torch

    addresses = torch.arange(1 << k, device=weight.device)
    slots = (addresses.unsqueeze(1) >> torch.arange(k, device=weight.device)) & 1
    inputs = slots.to(weight.dtype)
    if weight.ndim == 2:
        x = inputs[:, :, None].expand(-1, -1, len(weight))
        return parametrization.forward(x, weight, False, contraction="n,bn->bn").T
    nodes, kernels = weight.shape[:2]
    x = inputs[:, :, None, None, None].expand(-1, -1, kernels, 1, nodes)
    outputs = parametrization.forward(x, weight, False, contraction="fc,bcsf->bcsf")
    return outputs[:, :, 0].movedim(0, -1)
