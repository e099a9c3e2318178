"""``lgnx run``: a model over a file of samples, in batches."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgnx.cli import common

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

    from lgnx.data import Reader
    from lgnx.scaling import InputScaling

EXAMPLES = (
    "lgnx run model.onnx data.npy -o scores.npy",
    "lgnx run model.onnx data.csv -o classes.csv --argmax",
)


def command(
    model: common.ModelPath,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Samples: .npy, .npz, .csv or .parquet.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Result: .npy, .npz, .csv or .parquet.")
    ],
    batch_size: Annotated[int, typer.Option(help="Samples at a time.", min=1)] = 8192,
    threads: Annotated[int, typer.Option(help="Threads; 0 takes one per core.", min=0)] = 0,
    stock: Annotated[
        bool, typer.Option("--stock", help="Plain onnxruntime, without the custom operators.")
    ] = False,
    argmax: Annotated[
        bool, typer.Option("--argmax", help="Write the class (ties: the lowest) of each sample.")
    ] = False,
    scaled: Annotated[
        bool,
        typer.Option(
            "--scaled", help="The samples are scaled already, as lgnx.input_scaling says."
        ),
    ] = False,
    select: Annotated[
        str, typer.Option("--select", metavar="NAME", help="Write this output only.")
    ] = "",
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Run a model over a file of samples.

    The file may be larger than memory: it is read, and the result written, batch by batch; the
    result appears when it is whole. Samples are raw: a scaling that the model's metadata has is
    done to them.
    """
    from lgnx.data import open_reader, open_writer
    from lgnx.ops.errors import InputError
    from lgnx.scaling import InputScaling

    session = open_session(model, threads=threads, stock=stock)
    if len(session.get_inputs()) != 1:
        inputs = ", ".join(i.name for i in session.get_inputs())
        raise InputError(f"{model}: has the inputs {inputs}; lgnx run feeds models with one input")
    names = [o.name for o in session.get_outputs()]
    if select and select not in names:
        raise InputError(f"{model}: has no output {select!r}, only {', '.join(names)}")
    names = [select] if select else names
    scaling = None if scaled else InputScaling.of_model(model)
    reader = open_reader(data, name=session.get_inputs()[0].name)
    writer = open_writer(output, names)
    started = time.perf_counter()
    with writer, common.progress(f"running {data.name}", reader.rows) as advance:
        for batch, results in batches(session, reader, names, batch_size, scaling):
            if argmax:
                results = [classes(r, name) for r, name in zip(results, names, strict=True)]
            writer.write(dict(zip(names, results, strict=True)))
            advance(batch)
    elapsed = time.perf_counter() - started
    speed = writer.rows / elapsed
    if json:
        common.print_json(
            {
                "model": model,
                "data": data,
                "output": output,
                "rows": writer.rows,
                "seconds": elapsed,
                "samples_per_second": speed,
            }
        )
        return
    print(
        f"{output}: {writer.rows:,} samples in {common.seconds(elapsed)} "
        f"({speed:,.0f} samples/s with reading and writing)"
    )


def open_session(model: Path, *, threads: int, stock: bool) -> onnxruntime.InferenceSession:
    """Create a session from a file, with or without the custom operators."""
    import onnxruntime

    from lgnx.files import load_model
    from lgnx.ops.errors import ModelError

    load_model(model)  # says what is wrong with a file better than onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not stock:
        from lgnx.session import InferenceSession

        return InferenceSession(model, options)
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no common base
        hint = ""
        if "lgnx.ops" in str(error):
            hint = " (stock onnxruntime needs a self-contained file: lgnx export --self-contained)"
        raise ModelError(f"{model}: onnxruntime refuses it: {error}{hint}") from error


def batches(
    session: onnxruntime.InferenceSession,
    reader: Reader,
    names: list[str],
    size: int,
    scaling: InputScaling | None = None,
) -> Any:
    """Yield (samples, outputs) for every batch of a file, fitted to the model's input."""
    import numpy as np

    from lgnx.data import fit_batch
    from lgnx.ops.errors import InputError

    entry = session.get_inputs()[0]
    dtype = _numpy_dtype(entry.type)
    if not entry.shape:
        raise InputError(f"input {entry.name!r} has no batch axis")
    first, *rest = (n if isinstance(n, int) else None for n in entry.shape)
    for batch in reader.batches(first or size):
        x = fit_batch(
            batch,
            rest,
            dtype if scaling is None else np.dtype(np.float64),
            flat=reader.flat,
            text=reader.dtype is None,
            where=str(reader.path),
        )
        x = x if scaling is None else scaling.apply(x, dtype)
        count = len(x)
        if first is not None and count < first:  # a static batch: fill it, then cut
            x = np.concatenate([x, np.zeros((first - count, *x.shape[1:]), dtype)])
        results = session.run(names, {entry.name: x})
        for name, result in zip(names, results, strict=True):
            if not result.ndim or len(result) != len(x):
                raise InputError(
                    f"output {name!r} of shape {list(result.shape)} does not hold one row for "
                    f"each of {len(x)} samples"
                )
        yield count, [r[:count] for r in results]


def classes(scores: np.ndarray, name: str) -> np.ndarray:
    """Return the index of the largest score of every sample, the lowest among equals."""
    from lgnx.ops.errors import InputError

    if scores.ndim != 2 or not scores.shape[1]:
        raise InputError(
            f"--argmax needs scores of shape [samples, classes]; output {name!r} has "
            f"the shape {list(scores.shape)}"
        )
    return scores.argmax(axis=1)


def _numpy_dtype(onnx_type: str) -> np.dtype:
    """Translate onnxruntime's 'tensor(float)' to numpy."""
    import numpy as np

    names = {"float": "float32", "double": "float64"}
    inner = onnx_type.removeprefix("tensor(").removesuffix(")")
    return np.dtype(names.get(inner, inner))
