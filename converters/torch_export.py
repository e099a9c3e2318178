"""Export of live torch modules to ONNX files at layer level."""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from lgnx.check import check_or_raise
from lgnx.converters.torch_failures import describe_failure, first_line, following
from lgnx.files import save_model
from lgnx.functions import attach_functions
from lgnx.metadata import TRAINING_TOOL
from lgnx.ops import DOMAIN
from lgnx.ops.errors import InputError, ModelError, require

if TYPE_CHECKING:
    import onnx_ir as ir
    import torch

__all__ = ["export"]

OLDEST_OPSET = 18


def export(
    module: torch.nn.Module,
    sample: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    batch: int | None = None,
    self_contained: bool = False,
    metadata: Mapping[str, str] | None = None,
    opset: int = OLDEST_OPSET,
) -> onnx.ModelProto:
    """Export a torch module with logic layers to ONNX.

    Every logic layer becomes one node of `lgnx.ops`, the rest standard operators. What is exported
    is the module in evaluation mode; the module is the same afterwards, also after an error.

    Parameters
    ----------
    module
        Any module. Layers of torchlogix may stand anywhere in it, as may the functions and modules
        of `lgnx.torch`.
    sample
        An input (torch tensor or numpy array, the batch first), or a tuple of them for a forward
        with several arguments. The module is run on it. Shapes and dtypes matter; of the values
        only whether they are bits, 0 and 1: a float input of bits that only layers of logic read
        is ``bool`` in the file, and a layer of logic must not get other numbers.
    path
        File to write; it appears whole or not at all.
    batch
        Fixed batch size, for tools that want static shapes; None leaves the batch open.
    self_contained
        Add the operators' definitions, so that stock onnxruntime runs the file.
    metadata
        Entries to add to the file's metadata.
    opset
        Version of the ONNX operators, 18 or later.

    Returns
    -------
    onnx.ModelProto
        The model. Its input is called ``x`` (several: as the arguments of forward) and its output
        ``scores`` where it has GroupSum scores, ``class`` where it ends in an argmax, else ``y``
        (several: with a number).

    Raises
    ------
    InputError
        If an argument is wrong or the module does not run on the sample.
    ModelError
        If a layer has no ONNX form (its qualified name is given), torch cannot export the module,
        or the result is not a valid lgnx model. Nothing is written then.
    MissingExtraError
        If torch or onnxscript is not installed.
    """
    torch = require("torch", extra="torch")
    require("onnxscript", extra="torch")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"the module is a {type(module).__name__}, must be a torch.nn.Module")
    if batch is not None and batch < 1:
        raise InputError(f"batch is {batch}, must be at least 1")
    if opset < OLDEST_OPSET:
        raise InputError(f"opset is {opset}, must be at least {OLDEST_OPSET}")
    entries = dict(metadata or {})
    for key, value in entries.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise InputError(f"metadata entry {key!r}: {value!r}, key and value must be strings")

    inputs = _inputs(sample)
    proto, packages = _trace(module, inputs, batch, opset)
    _describe(proto, module, packages, entries)
    if self_contained:
        proto = attach_functions(proto)
    _check(proto)
    if path is not None:
        save_model(proto, path)
    return proto


def _inputs(sample: Any) -> tuple[torch.Tensor, ...]:
    import torch

    given = tuple(sample) if isinstance(sample, (tuple, list)) else (sample,)
    inputs = []
    for number, value in enumerate(given):
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.ascontiguousarray(value))
        if not isinstance(value, torch.Tensor):
            raise InputError(
                f"sample input {number} is a {type(value).__name__}, must be a torch tensor or a "
                "numpy array"
            )
        if value.ndim == 0:
            raise InputError(f"sample input {number} is a scalar, must have a batch axis")
        inputs.append(value.detach())
    sizes = {len(value) for value in inputs}
    if len(sizes) != 1:
        raise InputError(f"the sample inputs have batches of {sorted(sizes)}, must be the same")
    return tuple(inputs)


def _resized(inputs: Sequence[torch.Tensor], batch: int) -> tuple[torch.Tensor, ...]:
    """Repeat or drop samples to get a batch size; an empty batch is filled with zeros."""
    import torch

    resized = []
    for value in inputs:
        if len(value) == 0:
            value = torch.zeros((1, *value.shape[1:]), dtype=value.dtype, device=value.device)
        rows = torch.arange(batch, device=value.device) % len(value)
        resized.append(value[rows])
    return tuple(resized)


def _trace(
    module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], batch: int | None, opset: int
) -> tuple[onnx.ModelProto, set[str]]:
    """Give the clean graph of a module, and the logic packages its layers are from."""
    import torch

    from lgnx.converters import torch_layers
    from lgnx.converters.onnx_tidy import BATCH, tidy

    layers = torch_layers.find_layers(module)
    # torch.export takes a batch of 0 or 1 for a constant.
    size = batch if batch is not None else max(2, len(inputs[0]))
    inputs = _resized(inputs, size)
    if torch_layers.in_export_mode(module):  # which takes bool, where evaluation takes numbers
        inputs = tuple(x.float() if x.dtype == torch.bool else x for x in inputs)
    axes = None if batch is not None else tuple({0: torch.export.Dim(BATCH)} for _ in inputs)
    with torch_layers.evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch_layers.watched(layers) as calls:
            _run(module, inputs)
        forwards = {layer.module: layer.forward(calls[layer.name]) for layer in layers}
        replaced = {layer: forward for layer, forward in forwards.items() if forward is not None}
        names = _input_names(module, len(inputs))
        with torch_layers.patched(replaced):
            model = _onnx(module, inputs, names, axes, opset)
    for layer in layers:
        for text in calls[layer.name].warnings:
            warnings.warn(f"{layer}: {text}", stacklevel=3)
    _name_outputs(model)
    packages = {type(layer.module).__mro__ for layer in layers}
    binary = [
        name
        for name, x in zip(names, inputs, strict=True)
        if not x.is_complex() and bool(((x == 0) | (x == 1)).all())
    ]
    paths = [
        path for path, part in module.named_modules(remove_duplicate=False) if part in replaced
    ]
    return tidy(model, binary, paths), {
        cls.__module__.split(".")[0]
        for classes in packages
        for cls in classes
        if cls.__module__.split(".")[0] in torch_layers.LOGIC_PACKAGES
    }


def _run(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    """Run a module on the sample, and on zeros and ones in its place."""
    import torch

    try:
        with following(module) as running:
            module(*inputs)
    except Exception as error:
        shapes = ", ".join(f"{str(x.dtype).split('.')[-1]}{list(x.shape)}" for x in inputs)
        place = f"{running[-1]}: " if len(running) > 1 else ""
        raise InputError(
            f"the module fails on the sample ({shapes}): {place}{type(error).__name__}: "
            f"{first_line(error)}"
        ) from error
    # A sample of zeros hides that a layer gets other numbers than 0 and 1; random bits show it.
    generator = torch.Generator().manual_seed(0)
    bits = [torch.randint(0, 2, x.shape, generator=generator).to(x) for x in inputs]
    try:
        module(*bits)
    except Exception:  # the module need not accept them
        return


def _input_names(module: torch.nn.Module, count: int) -> list[str]:
    if count == 1:
        return ["x"]
    parameters = list(inspect.signature(module.forward).parameters.values())[:count]
    fixed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if len(parameters) == count and all(p.kind in fixed for p in parameters):
        return [p.name for p in parameters]
    return [f"x{number}" for number in range(count)]


def _onnx(
    module: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    names: list[str],
    axes: Any,
    opset: int,
) -> ir.Model:
    import torch

    from lgnx.torch import translations

    program = None
    logging.disable(logging.ERROR)  # torch logs whole graphs when it fails, and prints some
    try:
        with following(module) as running, redirect_stderr(StringIO()):
            program = torch.export.export(module, inputs, dynamic_shapes=axes, strict=False)
        exported = torch.onnx.export(
            program,
            (),
            None,
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=opset,
            input_names=names,
            custom_translation_table=translations(),
        )
    except Exception as error:
        failure = describe_failure(error, program, running)
        raise ModelError(f"torch cannot export the module: {failure}") from error
    finally:
        logging.disable(logging.NOTSET)
    assert exported is not None
    return exported.model


def _name_outputs(model: ir.Model) -> None:
    outputs = model.graph.outputs
    has_scores = any(node.op_type == "GroupSum" for node in model.graph)
    for number, value in enumerate(outputs):
        producer = value.producer()
        if producer is not None and producer.op_type == "ArgMax":
            name = "class"
        elif has_scores and value.dtype is not None and value.dtype.is_floating_point():
            name = "scores"
        else:
            name = "y"
        taken = {other.name for other in (*outputs[:number], *model.graph.inputs)}
        value.name = name if name not in taken else f"{name}{number}"


def _check(proto: onnx.ModelProto) -> None:
    if not any(node.domain == DOMAIN for node in proto.graph.node):
        onnx.checker.check_model(proto, full_check=True)  # lgnx has no more to say
        return
    for problem in check_or_raise(proto):
        warnings.warn(str(problem), stacklevel=3)


def _describe(
    proto: onnx.ModelProto,
    module: torch.nn.Module,
    packages: set[str],
    entries: Mapping[str, str],
) -> None:
    """Record where a model comes from."""
    proto.producer_name = "lgnx"
    proto.producer_version = importlib.metadata.version("lgnx")
    proto.graph.name = type(module).__name__
    facts = {"lgnx.torch": importlib.metadata.version("torch")}
    if packages:
        facts[TRAINING_TOOL] = ", ".join(_with_version(name) for name in sorted(packages))
    onnx.helper.set_model_props(proto, facts | dict(entries))


def _with_version(package: str) -> str:
    """Name and version of a package; the name of one that is only a folder on the path."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package
