"""Dense layers of the installed torchlogix from the tensors of a checkpoint."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from lgnx.converters.torchlogix_checkpoint_part import Made, Part

if TYPE_CHECKING:
    import torch

__all__ = ["logic_dense"]


def logic_dense(part: Part, x: torch.Tensor, made: Made) -> torch.nn.Module:
    """Make a dense layer that reads the last axis of ``x``."""
    import torch
    from torchlogix.layers import LogicDense

    if x.ndim < 2:
        raise part.error("gets single numbers, must get bits")
    weight, width = part.tensor("weight", 2), x.shape[-1]
    if part.get("inputs", width) != width:
        raise part.error(f"is {part.get('inputs')}, but it gets {width} bits", "inputs")
    if part.get("ste") is not None:
        raise part.error("is a field of torch_dwn", "ste")
    candidates = None
    if "connections.weights" in part.tensors:
        candidates = part.tensor("connections.weights", 3)
    indices = _dense_indices(part, candidates, width)
    k, n = indices.shape[-2:]
    if n != len(weight):
        raise part.error(f"its indices are for {n} neurons, its weights for {len(weight)}")
    if int(indices.min()) < 0 or int(indices.max()) >= width:
        worst = int(indices.max()) if int(indices.min()) >= 0 else int(indices.min())
        raise part.error(f"reads bit {worst}, but gets {width} bits (0 to {width - 1})")
    options = part.parametrization(part.k(k), weight.shape[1])
    options["connections"] = "fixed" if candidates is None else "learnable"
    # As many inputs as a table has: its wires are drawn at random, and replaced below.
    layer = LogicDense(k, n, lut_rank=k, **options)
    layer.in_dim = layer.connections.in_dim = width
    layer.weight.data = weight
    layer.connections.indices = indices.to(torch.int64)
    if candidates is not None:
        layer.connections.num_candidates = len(candidates)
        layer.connections.weights.data = candidates
        if part.get("gumbel") and (made.version or (0,)) < (0, 2, 2):
            warnings.warn(
                f"{part.place}: before torchlogix 0.2.2, its connections are drawn anew for every "
                "batch, also in evaluation; exported with the likeliest ones",
                stacklevel=2,
            )
    return layer


def _dense_indices(part: Part, candidates: torch.Tensor | None, width: int) -> torch.Tensor:
    """Bits that the slots read, [k, N]; or may read, [C, k, N]."""
    import torch

    axes = 2 if candidates is None else 3
    given = part.get("indices")
    if given is not None:
        if given.ndim != axes:
            wanted = "[N, k]" if candidates is None else "[C, k, N], those of its candidates"
            raise part.error(f"has {given.ndim} axes, must be {wanted}", "indices")
        indices = torch.from_numpy(given)
        indices = indices if axes == 3 else indices.T.contiguous()
    elif "connections.indices" in part.tensors:
        indices = part.tensor("connections.indices", axes, whole=True)
    elif candidates is not None and len(candidates) == width:  # every bit is a candidate
        indices = torch.arange(width).reshape(-1, 1, 1).expand(candidates.shape)
    else:
        raise part.error(
            "the checkpoint has no 'connections.indices' of it: torchlogix 0.1.1 leaves them out "
            "of state dicts. Save the whole module, or give them in the field indices"
        )
    if candidates is not None and indices.shape != candidates.shape:
        raise part.error(
            f"its indices are {list(indices.shape)}, the weights of its candidates are "
            f"{list(candidates.shape)}"
        )
    return indices
