"""``lgnx export``: a torch module, a checkpoint or any file that is read, to an ONNX file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgnx.cli import common

if TYPE_CHECKING:
    import onnx

EXAMPLES = (
    "lgnx export train.py:make_model -o model.onnx --sample-shape 64",
    "lgnx export package.module:model -o model.onnx --sample data.npy",
    "lgnx export train.py:forest -o forest.onnx --option vote=hard",
    "lgnx export checkpoint.pt --spec network.yaml -o model.onnx",
    "lgnx export model.onnx -o alone.onnx --self-contained",
    "lgnx export model.onnx -o batch16.onnx --batch 16",
)


def command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="module:name or file.py:name of a torch module or an estimator; or a file, see "
            "lgnx formats.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="ONNX file to write.")],
    sample: Annotated[
        Path | None, typer.Option(help="File whose first rows are the sample input.")
    ] = None,
    sample_shape: Annotated[
        str, typer.Option(metavar="N[,N...]", help="Shape of one sample, filled with zeros.")
    ] = "",
    sample_dtype: Annotated[str, typer.Option(help="Type of the sample's numbers.")] = "float32",
    spec: common.Spec = None,
    source_name: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help="Format of the file; else told by it.")
    ] = "",
    option: common.Options = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Entry to add to the file's metadata."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Fix the batch size (qonnx wants that).", min=1)
    ] = None,
    self_contained: Annotated[
        bool,
        typer.Option("--self-contained", help="Add operator bodies: stock onnxruntime runs it."),
    ] = False,
    debug: common.Debug = False,
) -> None:
    """Write a torch module, an estimator, a checkpoint or another file as ONNX.

    SOURCE names an nn.Module or an estimator of scikit-learn or treelite, or a function that
    returns one, or (module, sample). Your own code is imported and run for it. Or it is a file of a
    format that `lgnx formats` lists; nothing in a checkpoint is ever run.
    """
    from lgnx.converters.formats import read_model
    from lgnx.files import save_model
    from lgnx.functions import attach_functions
    from lgnx.metadata import with_metadata
    from lgnx.static_batch import set_batch

    if ":" in source and not Path(source).exists():
        with common.working(f"exporting {source}"):
            options = common.format_options(option, spec)
            model = _export_object(source, sample, sample_shape, sample_dtype, options)
    else:
        with common.working(f"reading {source}"):
            options = common.format_options(option, spec)
            model = read_model(source, source_name or None, **options)
    entries = common.pairs("--metadata", metadata)
    if entries:
        model = with_metadata(model, entries)
    if batch is not None:
        model = set_batch(model, batch)
    if self_contained:
        model = attach_functions(model)
    save_model(model, output)
    nodes = ", ".join(node.op_type for node in model.graph.node[:8])
    more = " ..." if len(model.graph.node) > 8 else ""
    print(f"{output}: {common.size(output.stat().st_size)}, {nodes}{more}")


def _export_object(
    source: str, sample: Path | None, sample_shape: str, sample_dtype: str, options: dict[str, Any]
) -> onnx.ModelProto:
    from lgnx.converters.formats import convert_object
    from lgnx.ops.errors import InputError, require

    found, own, verb = _load_object(source), None, "is"
    model = convert_object(found, **options)
    if model is None and callable(found) and not _is_module(found):
        found, verb = found(), "gave"
        if isinstance(found, tuple) and len(found) == 2:
            found, own = found
        model = convert_object(found, **options)
    if model is not None:
        return model
    torch = require("torch", extra="torch")
    from lgnx.converters.torch_export import export

    if not _is_module(found):
        raise InputError(
            f"{source}: {verb} a {type(found).__name__}, not an nn.Module, nor a function that "
            "returns one, nor an estimator"
        )
    if options:
        raise InputError(f"--option {next(iter(options))}: a torch module takes no options")
    if sample is not None or sample_shape:
        own = torch.from_numpy(_sample(sample, sample_shape, sample_dtype))
    if own is None:
        raise InputError("a sample input is needed: give --sample FILE or --sample-shape 64")
    return export(found.eval(), own)


def _is_module(found: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


def _load_object(source: str) -> Any:
    """Import what ``module:name`` or ``file.py:name`` names."""
    from lgnx.ops.errors import InputError

    place, _, names = source.rpartition(":")
    if not place or not names:
        raise InputError(f"{source}: give module:name, file.py:name or an ONNX file")
    file = Path(place) if place.endswith(".py") else None
    folder = str(file.resolve().parent if file else Path.cwd())
    importlib.import_module("lgnx.converters.torchlogix")  # lets the code import torchlogix
    importlib.import_module("lgnx.converters.difflogic").stand_in_for_cuda()
    sys.path.insert(0, folder)
    try:
        module = _load_file(file) if file else importlib.import_module(place)
    except ModuleNotFoundError as error:
        if file or error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise
        raise InputError(f"{source}: there is no module {place!r}") from None
    finally:
        sys.path.remove(folder)
    found: Any = module
    for name in names.split("."):
        if not hasattr(found, name):
            raise InputError(f"{source}: {place} has no {names!r}")
        found = getattr(found, name)
    return found


def _load_file(path: Path) -> ModuleType:
    """Run a Python file as a module; its name must not take the place of another module."""
    from lgnx.ops.errors import InputError

    name = f"lgnx_export_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{path}: no such file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _sample(path: Path | None, shape: str, dtype: str) -> Any:
    """Return a sample input of two rows, so that the batch does not look like a constant 1."""
    import numpy as np

    from lgnx.data import open_reader
    from lgnx.ops.errors import InputError

    try:
        kind = np.dtype(dtype)
        dims = [int(n) for n in shape.split(",")] if shape else []
    except (TypeError, ValueError):
        raise InputError(
            f"--sample-shape takes whole numbers such as 1,28,28 and --sample-dtype a numpy "
            f"type; given: {shape!r}, {dtype!r}"
        ) from None
    if path is None:
        return np.zeros((2, *dims), kind)
    rows = next(open_reader(path).batches(2))
    if dims:
        rows = rows.reshape(len(rows), *dims)
    return rows.astype(kind if rows.dtype == np.float64 else rows.dtype)  # a writable copy
