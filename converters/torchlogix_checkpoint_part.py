"""One layer of a checkpoint of torchlogix: its tensors, and the numbers of its spec."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lgnx.ops.errors import ModelError

if TYPE_CHECKING:
    import torch

__all__ = ["Made", "Part"]

_WEIGHTS = {"raw": lambda k: 16, "warp": lambda k: 1 << k, "light": lambda k: 1 << k}
_RANKS = {"raw": (2,), "warp": (1, 2, 4, 6), "light": (2, 4, 6)}


@dataclass(frozen=True)
class Part:
    """One layer, as a checkpoint and its spec describe it.

    Attributes
    ----------
    kind
        Of `network_spec.KINDS`, or ``"module"`` for a ready torch module.
    place
        How messages call it.
    tensors
        By name within the layer, as in its state dict.
    fields
        Numbers, named as in a spec.
    parts
        Of a residual, the layers in it.
    module
        Of a ready module, the module.
    """

    kind: str
    place: str
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    module: Any = None

    def get(self, name: str, default: Any = None) -> Any:
        """Value of a field, or a default."""
        value = self.fields.get(name)
        return default if value is None else value

    def error(self, message: str, name: str = "") -> ModelError:
        """Make an error that names the layer, and a field."""
        return ModelError(f"{self.place}{f', field {name}' if name else ''}: {message}")

    def tensor(self, name: str, axes: int, whole: bool = False) -> torch.Tensor:
        """Give a tensor of numbers with so many axes.

        Raises
        ------
        ModelError
            If the checkpoint has none, or another one.
        """
        value = self.tensors.get(name)
        if value is None:
            there = ", ".join(self.tensors) or "none"
            raise self.error(f"the checkpoint has no {name!r} of it; it has: {there}")
        floats = value.is_floating_point() or value.is_complex()
        if value.ndim != axes or value.is_complex() or floats == whole or value.is_quantized:
            found = f"{str(value.dtype).rpartition('.')[2]} {list(value.shape)}"
            wanted = f"{'whole numbers' if whole else 'floats'} of {axes} axes"
            raise self.error(f"{name!r} in the checkpoint is {found}, must be {wanted}")
        if value.numel() == 0:
            raise self.error(f"{name!r} in the checkpoint is empty: {list(value.shape)}")
        return value.detach().contiguous()

    def k(self, slots: int | None) -> int:
        """Inputs of the tables, by the field and the slots that the indices have."""
        k = self.get("k", slots)
        if k is None:
            raise self.error("is missing, and the checkpoint does not say it", "k")
        if slots is not None and slots != k:
            raise self.error(f"is {k}, but the indices in the checkpoint are for {slots}", "k")
        return k

    def parametrization(self, k: int, weights: int) -> dict[str, Any]:
        """Arguments of torchlogix for the parametrization with so many weights a table."""
        kind = self.get("parametrization")
        if kind is None and k == 2 and weights == 16:
            kind = "raw"
        if kind is None:
            raise self.error(
                f"is missing: with {weights} weights a table of {k} inputs it is warp or light, "
                "which the checkpoint does not say",
                "parametrization",
            )
        if k not in _RANKS[kind]:
            ranks = " or ".join(map(str, _RANKS[kind]))
            raise self.error(f"is {k}, must be {ranks} for {kind}", "k")
        if weights != _WEIGHTS[kind](k):
            raise self.error(
                f"is {kind}, which has {_WEIGHTS[kind](k)} weights for a table of {k} inputs; the "
                f"checkpoint has {weights}",
                "parametrization",
            )
        basis = bool(self.get("materialize_basis", False))
        return {"parametrization": kind, "parametrization_kwargs": {"materialize_basis": basis}}


@dataclass(frozen=True)
class Made:
    """Who made a checkpoint: the version of torchlogix, or None where that is not known."""

    version: tuple[int, ...] | None

    def since(self, version: tuple[int, ...], part: Part, why: str) -> bool:
        """Tell whether the maker is of a version or later.

        Raises
        ------
        ModelError
            If it is not known.
        """
        if self.version is None:
            raise part.error(
                f"{why} depends on the version of torchlogix that made the checkpoint, and the "
                "checkpoint does not say it: give it as the option producer, such as "
                f"'torchlogix {importlib.metadata.version('torchlogix')}'"
            )
        return self.version >= version
