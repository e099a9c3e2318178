"""Logic layers inside a torch module: finding them, watching them run, replacing their forward."""

from __future__ import annotations

import importlib
import importlib.util
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lgnx.ops.errors import LgnxError, ModelError, require

if TYPE_CHECKING:
    import torch
else:
    torch = require("torch", extra="torch")

__all__ = [
    "Adapter",
    "Calls",
    "Layer",
    "as_bits",
    "evaluating",
    "find_layers",
    "in_export_mode",
    "patched",
    "refuse_numbers",
    "watched",
]

# The packages whose layers mean logic. For each that can be exported there is a module of the same
# name in this folder, with a table ADAPTERS. It may have a context manager `running(module)`, which
# is entered while modules with layers of the package are run and traced.
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
    examples
        Inputs and outputs of the last calls, by which the replacement is checked.
    warnings
        What the user must hear of the layer; adapters add to it.
    """

    outputs: dict[tuple[torch.dtype, tuple[int, ...]], torch.dtype] = field(default_factory=dict)
    odd_value: float | None = None
    examples: deque[tuple[torch.Tensor, torch.Tensor]] = field(
        default_factory=lambda: deque(maxlen=4)
    )
    warnings: list[str] = field(default_factory=list)

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
        self.examples.append((x.detach().clone(), y.detach().clone()))
        odd = x[(x != 0) & (x != 1)]
        if odd.numel():
            self.odd_value = float(odd.flatten()[0])


def as_bits(x: torch.Tensor) -> torch.Tensor:
    """Give numbers 0 and 1 as bool."""
    return x > 0.5 if x.is_floating_point() else x.bool()


def refuse_numbers(calls: Calls) -> None:
    """Raise ModelError if a layer of logic got other numbers than 0 and 1."""
    if calls.odd_value is not None:
        raise ModelError(
            f"gets the value {calls.odd_value:g}, must get 0 and 1 only: put a binarization in "
            "front of it"
        )


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
        """Give the layer's replacement forward, which agrees with what the layer was seen to do.

        Raises
        ------
        ModelError
            If the layer cannot be exported, or the replacement gives something else on one of the
            examples; the message names the layer.
        """
        if not calls.outputs:
            return None
        try:
            forward = self.adapter(self.module, calls)
            if forward is not None:
                for x, y in calls.examples:
                    _compare(forward(x), y)
        except LgnxError as error:
            raise ModelError(f"{self}: {error}") from None
        return forward


def _compare(got: torch.Tensor, expected: torch.Tensor) -> None:
    if got.dtype == expected.dtype and torch.equal(got, expected):
        return
    if got.shape == expected.shape:
        how = f"{int((got != expected).sum())} of {expected.numel()} outputs are others"
    else:
        how = f"its output is {list(expected.shape)}, not {list(got.shape)}"
    raise ModelError(f"computes something else than its weights and connections say: {how}")


def _describe(name: str, module: torch.nn.Module) -> str:
    return f"module {name!r} ({type(module).__name__})" if name else type(module).__name__


def _converter(package: str) -> ModuleType | None:
    name = f"lgnx.converters.{package}"
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def _adapters(package: str) -> Mapping[str, Adapter | None]:
    converter = _converter(package)
    return {} if converter is None else converter.ADAPTERS


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
            if adapter is not None and "forward" in vars(current):
                unsupported.append(f"{_describe(name, current)}, whose forward was replaced")
                return
            if adapter is not None:
                layers.append(Layer(name, current, adapter))
                return
        elif owner in logic:
            unsupported.append(f"{_describe(name, current)} of {_package(owner)}")
            return
        elif any(adapters.get(_class_name(cls)) is not None for cls in logic):
            unsupported.append(f"{_describe(name, current)}, which overrides its layer's forward")
            return
        for child, value in current.named_children():
            visit(f"{name}.{child}" if name else child, value)

    visit("", module)
    if unsupported:
        raise ModelError(f"cannot be exported: {'; '.join(unsupported)}")
    return layers


def in_export_mode(module: torch.nn.Module) -> list[torch.nn.Module]:
    """Give the logic layers that take and give bool, in torchlogix's mode for tracing."""
    return [
        part
        for part in module.modules()
        if vars(part).get("export_mode") is True
        and any(_package(cls) in LOGIC_PACKAGES for cls in type(part).__mro__)
    ]


@contextmanager
def evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and back with its buffers as they were.

    Layers that are in a mode for tracing (torchlogix's export mode) leave it for the time, and
    converters get their packages' layers to run here.
    """
    training = {part: part.training for part in module.modules()}
    tracing = in_export_mode(module)
    buffers = [
        (part, name, buffer, buffer.detach().clone())
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    packages = {_package(cls) for part in training for cls in type(part).__mro__}
    converters = [_converter(package) for package in LOGIC_PACKAGES if package in packages]
    try:
        with ExitStack() as stack, torch.no_grad(), torch.random.fork_rng(devices=[]):
            for converter in converters:
                running = getattr(converter, "running", None)
                if running is not None:
                    stack.enter_context(running(module))
            module.eval()
            for part in tracing:
                vars(part)["export_mode"] = False
            yield
    finally:
        for part in tracing:
            vars(part)["export_mode"] = True
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
    """Replace the forward of module instances, and take the replacements back.

    The parts of the modules are out of sight meanwhile: the replacements do not need them, and what
    traces the module would handle every weight and index of theirs.
    """
    names = ("_parameters", "_buffers", "_modules")
    parts = {module: {name: vars(module)[name] for name in names} for module in forwards}
    try:
        for module, forward in forwards.items():
            vars(module).update({name: {} for name in names}, forward=forward)
        yield
    finally:
        for module, own in parts.items():
            vars(module).pop("forward", None)
            vars(module).update(own)
