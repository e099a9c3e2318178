"""Logic layers inside a torch module: finding them, watching them run, replacing their forward."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lgnx.ops.errors import ModelError, require

if TYPE_CHECKING:
    import torch
else:
    torch = require("torch", extra="torch")

__all__ = ["Adapter", "Calls", "Layer", "evaluating", "find_layers", "patched", "watched"]

# The packages whose layers mean logic. For each that can be exported there is a module of the same
# name in this folder, with a table ADAPTERS.
LOGIC_PACKAGES = ("torchlogix", "difflogic", "torch_dwn")


@dataclass
class Calls:
    """What one layer was seen to do.

    Attributes
    ----------
    outputs
        Dtype of the output by dtype and shape of the input.
    odd_value
        An input value that is neither 0 nor 1, if there was one.
    """

    outputs: dict[tuple[torch.dtype, tuple[int, ...]], torch.dtype] = field(default_factory=dict)
    odd_value: float | None = None

    def output_dtype(self, x: torch.Tensor) -> torch.dtype:
        """Dtype that the layer gives for inputs such as ``x``."""
        return next(
            dtype
            for (given, shape), dtype in self.outputs.items()
            if given == x.dtype and len(shape) == x.ndim
        )

    def note(self, x: torch.Tensor, y: torch.Tensor) -> None:
        """Take note of one call."""
        self.outputs[x.dtype, tuple(x.shape)] = y.dtype
        odd = x[(x != 0) & (x != 1)]
        if odd.numel():
            self.odd_value = float(odd.flatten()[0])


Forward = Callable[[Any], Any]
Adapter = Callable[[Any, Calls], "Forward | None"]
"""Takes a layer in evaluation mode and how it was called; gives a forward made of lgnx operators,
or None where the layer's own forward is to be traced. Raises ModelError with the bare reason."""


@dataclass(frozen=True)
class Layer:
    """A logic layer inside a module.

    Attributes
    ----------
    name
        Qualified name, as in ``named_modules()``; empty for the module itself.
    """

    name: str
    module: torch.nn.Module
    adapter: Adapter

    def __str__(self) -> str:
        return _describe(self.name, self.module)

    def forward(self, calls: Calls) -> Forward | None:
        """Give the layer's replacement forward.

        Raises
        ------
        ModelError
            If the layer cannot be exported; the message names it.
        """
        if not calls.outputs:
            return None
        try:
            return self.adapter(self.module, calls)
        except ModelError as error:
            raise ModelError(f"{self}: {error}") from None


def _describe(name: str, module: torch.nn.Module) -> str:
    return f"module {name!r} ({type(module).__name__})" if name else type(module).__name__


def _adapters(package: str) -> Mapping[str, Adapter | None]:
    name = f"lgnx.converters.{package}"
    if importlib.util.find_spec(name) is None:
        return {}
    return importlib.import_module(name).ADAPTERS


def _class_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _package(cls: type) -> str:
    return cls.__module__.split(".")[0]


def find_layers(module: torch.nn.Module) -> list[Layer]:
    """Find the logic layers of a module; one that is used in several places counts once.

    Raises
    ------
    ModelError
        If a layer of a logic package has no adapter; all of them are named.
    """
    layers: list[Layer] = []
    unsupported: list[str] = []
    seen: set[int] = set()

    def visit(name: str, current: torch.nn.Module) -> None:
        if id(current) in seen:
            return
        seen.add(id(current))
        classes = type(current).__mro__
        owner = next(cls for cls in classes if "forward" in vars(cls))
        logic = [cls for cls in classes if _package(cls) in LOGIC_PACKAGES]
        adapters = {k: v for cls in logic for k, v in _adapters(_package(cls)).items()}
        if owner in logic and _class_name(owner) in adapters:
            adapter = adapters[_class_name(owner)]
            if "forward" in vars(current):
                unsupported.append(f"{_describe(name, current)}, whose forward was replaced")
            elif adapter is not None:
                layers.append(Layer(name, current, adapter))
        elif owner in logic:
            unsupported.append(f"{_describe(name, current)} of {_package(owner)}")
        elif any(_class_name(cls) in adapters for cls in logic):
            unsupported.append(f"{_describe(name, current)}, which overrides its layer's forward")
        else:
            for child, value in current.named_children():
                visit(f"{name}.{child}" if name else child, value)

    visit("", module)
    if unsupported:
        raise ModelError(f"cannot be exported: {'; '.join(unsupported)}")
    return layers


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and back with its buffers as they were."""
    training = {part: part.training for part in module.modules()}
    buffers = [
        (part, name, buffer, buffer.detach().clone())
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            module.eval()
            yield
    finally:
        with torch.no_grad():
            for part, name, buffer, value in buffers:
                part._buffers[name] = buffer
                if not torch.equal(buffer, value):
                    buffer.copy_(value)
        for part, flag in training.items():
            part.training = flag


@contextmanager
def watched(layers: Sequence[Layer]) -> Iterator[dict[str, Calls]]:
    """Take note of how layers are called; gives the notes by layer name."""
    notes = {layer.name: Calls() for layer in layers}

    def hook(calls: Calls) -> Callable[..., None]:
        def note(module: Any, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
            calls.note(args[0] if args else next(iter(kwargs.values())), output)

        return note

    handles = [
        layer.module.register_forward_hook(hook(notes[layer.name]), with_kwargs=True)
        for layer in layers
    ]
    try:
        yield notes
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def patched(forwards: Mapping[torch.nn.Module, Forward]) -> Iterator[None]:
    """Replace the forward of module instances, and take the replacements back."""
    try:
        for module, forward in forwards.items():
            module.forward = forward
        yield
    finally:
        for module in forwards:
            vars(module).pop("forward", None)
