"""The base of the modules: buffers that are exact and stay so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lgnx.ops.errors import InputError

__all__ = ["ExactModule", "as_indices", "as_tensor"]


def as_tensor(name: str, value: Any) -> torch.Tensor:
    """Give an array or tensor as a tensor of its own dtype.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value.copy())
    if not isinstance(value, torch.Tensor):
        raise InputError(f"{name} is a {type(value).__name__}, must be a tensor or a numpy array")
    return value.detach()


def as_indices(value: Any) -> torch.Tensor:
    """Give indices as a tensor; uint16, as files may have them, as int32.

    Raises
    ------
    InputError
        If they are neither an array nor a tensor.
    """
    indices = as_tensor("indices", value)
    return indices.to(torch.int32) if indices.dtype == torch.uint16 else indices


class ExactModule(torch.nn.Module):
    """A module for inference whose buffers keep their dtype.

    ``half()``, ``double()`` and ``to(dtype)`` leave the buffers as they are, for a threshold that
    is rounded is another threshold; ``to(device)`` moves them. A state dict must hold them with
    the same shape and dtype.
    """

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Any:
        def keep_dtype(tensor: torch.Tensor) -> torch.Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        return super()._apply(keep_dtype, recurse)

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        for name, buffer in self.named_buffers(recurse=False):
            given = state_dict.get(prefix + name)
            if isinstance(given, torch.Tensor) and given.dtype != buffer.dtype:
                error_msgs.append(
                    f"dtype mismatch for {prefix}{name}: is {given.dtype} in the state dict, must "
                    f"be {buffer.dtype}"
                )
                return
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )
