"""``lgnx cosim``: RTL simulated by Verilator against the model."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common, cosim_case, cosim_coverage, cosim_lanes

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from lgnx.verify.cosim import CoSimulation, Mismatch
    from lgnx.verify.lanes import LaneSimulation
    from lgnx.verify.minimise import MinimalCase
    from lgnx.verify.rtl import Rtl

EXAMPLES = (
    "lgnx cosim model.onnx rtl/ --samples data.npy",
    "lgnx cosim model.onnx rtl/ --random 100000 --seed 7",
    "lgnx cosim model.onnx rtl/ --random 1000000 --mode lanes",
    "lgnx cosim model.onnx rtl/ --random 10000 --coverage",
)

_BATCH = 65_536  # samples read from a file at a time
_RANDOM = 10_000
_FEWEST, _CLOCKS = 256, 2_000_000  # of a streaming design, by default


@dataclasses.dataclass
class _Run:
    """What came of the samples of one source."""

    source: str
    samples: int = 0
    mismatches: int = 0
    rounded: int = 0
    seconds: float = 0.0
    first: Mismatch | None = None
    handshake: str | None = None
    minimised: MinimalCase | None = None

    @property
    def failed(self) -> bool:
        return bool(self.mismatches) or self.handshake is not None

    def facts(self) -> dict[str, Any]:
        """What the JSON has."""
        return dataclasses.asdict(self) | {
            "minimised": None if self.minimised is None else self.minimised.content()
        }


Make = Callable[["CoSimulation"], "tuple[int | None, Iterator[np.ndarray]]"]


@dataclasses.dataclass(frozen=True)
class Source:
    """Samples, which are made for a simulation: how many, if that is known, and batches of them."""

    name: str
    make: Make
    scaled: bool


def command(
    model: common.ModelPath,
    rtl: Annotated[Path, typer.Argument(metavar="RTL", help="Folder that lgnx rtl wrote.")],
    samples: Annotated[
        Path | None, typer.Option(help="Samples: .npy, .npz, .csv or .parquet.")
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(help=f"Random samples of the input format [{_RANDOM} without a file].", min=0),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random samples.")] = 0,
    scaled: Annotated[
        bool,
        typer.Option(
            "--scaled", help="The samples are scaled already, as lgnx.input_scaling says."
        ),
    ] = False,
    other_form: Annotated[
        bool,
        typer.Option("--other-form", help="Allow another form of the model of which the RTL is."),
    ] = False,
    waveform: Annotated[
        Path, typer.Option(help="File for the waves of a minimised mismatch: .vcd or .fst.")
    ] = Path("mismatch.vcd"),
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which nets the samples toggle.")
    ] = False,
    mode: Annotated[
        str,
        typer.Option(help="one-lane, lanes (64 samples at a time), or auto: lanes where they pay."),
    ] = "auto",
    timeout: Annotated[
        float, typer.Option(help="Seconds that the simulation of 1,024 samples may take.")
    ] = 600.0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Simulate RTL with Verilator and compare with the model.

    All scores and the class of every sample are compared bit for bit with the model in
    onnxruntime. The first mismatch is minimised and shown, its waves are written, and the exit code
    is 1.
    """
    from lgnx.files import load_model

    load_model(model)
    from lgnx.verify.cosim import CoSimulation
    from lgnx.verify.rtl import read_rtl
    from lgnx.verify.same_model import check_same_model
    from lgnx.verify.waveform import wave_format

    wave_format(waveform)
    cosim_lanes.check_mode(mode)
    sources = []
    if samples is not None:
        sources.append(Source(str(samples), _file_samples(samples, scaled), scaled))
    if random is None and samples is None:
        random = min(_RANDOM, max(_FEWEST, _CLOCKS // read_rtl(rtl).interval))
    if random is not None:
        made = _random_samples(model, random, seed)
        sources.append(Source(f"{random:,} random", made, scaled=True))
    started = time.perf_counter()
    with common.progress("building the simulation", 1.0) as advance:
        simulation = CoSimulation(rtl, progress=advance, timeout=timeout)
    built = time.perf_counter() - started
    if not other_form:
        check_same_model(simulation.rtl, model)
    started = time.perf_counter()
    wanted = random or 0 if samples is None else None
    lanes = cosim_lanes.build(simulation, model, mode, wanted, timeout)
    built += time.perf_counter() - started
    runs = [_compare(simulation, model, source, waveform, lanes) for source in sources]
    failed = any(run.failed for run in runs)
    toggled = cosim_coverage.measure(simulation, model, sources) if coverage else None
    if json:
        facts = [run.facts() for run in runs]
        result = {"model": model, "rtl": rtl, "equal": not failed, "build_seconds": built}
        result |= {"mode": "one-lane" if lanes is None else "lanes"}
        result |= {"latency": simulation.rtl.latency, "interval": simulation.rtl.interval}
        extra = {} if toggled is None else {"coverage": toggled.content()}
        common.print_json(result | {"runs": facts} | extra)
    else:
        screen = common.console()
        screen.print(_table(runs))
        if simulation.rtl.stream is not None and not failed:
            _throughput(simulation.rtl)
        if lanes is not None:
            screen.print(cosim_lanes.said())
        screen.print(f"built in {common.seconds(built)}")
        for run in runs:
            if run.rounded:
                screen.print(
                    f"[yellow]rounding[/yellow] of the scaled input to its format changes what the "
                    f"model gives on {run.rounded:,} samples of {escape(run.source)}"
                )
            if run.minimised is not None:
                _show(run, run.minimised)
        if toggled is not None:
            cosim_coverage.show(toggled)
    if failed:
        raise typer.Exit(common.FAILED)


def _throughput(rtl: Rtl) -> None:
    """Print the clocks of an image, which every run without stalls has checked."""
    at = 100e6
    common.console().print(
        f"without stalls: first result after {rtl.latency:,} clocks, then one every "
        f"{rtl.interval:,}, as the sidecar says; at {at / 1e6:g} MHz "
        f"{common.number(round(at / rtl.interval))} images/s"
    )


def _file_samples(path: Path, scaled: bool) -> Make:
    """Return what yields the samples of a file, which is opened at once."""
    import numpy as np

    from lgnx.data import fit_batch, open_reader

    reader = open_reader(path, name="x")

    def make(simulation: CoSimulation) -> tuple[int | None, Iterator[np.ndarray]]:
        port = simulation.rtl.input
        dtype = port.dtype if scaled or port.scaling is None else np.dtype(np.float64)
        batches = (
            fit_batch(
                batch,
                port.shape,
                dtype,
                flat=reader.flat,
                text=reader.dtype is None,
                where=str(path),
            )
            for batch in reader.batches(_BATCH)
        )
        return reader.rows, batches

    return make


def _random_samples(model: Path, count: int, seed: int) -> Make:
    from lgnx.network import Network
    from lgnx.verify.cosim import random_inputs

    def make(simulation: CoSimulation) -> tuple[int | None, Iterator[np.ndarray]]:
        thresholds = Network.from_model(model).thresholds
        batches = (
            random_inputs(
                *(simulation.rtl, min(_BATCH, count - first)),
                seed=seed + first,
                thresholds=thresholds,
            )
            for first in range(0, max(1, count), _BATCH)
        )
        return count, batches

    return make


def _compare(
    simulation: CoSimulation,
    model: Path,
    source: Source,
    waveform: Path,
    lanes: LaneSimulation | None,
) -> _Run:
    from lgnx.verify.cosim import compare
    from lgnx.verify.lanes import compare_lanes
    from lgnx.verify.runner import HandshakeError

    run = _Run(source.name)
    total, batches = source.make(simulation)
    started = time.perf_counter()
    failing = None
    with common.progress(f"simulating {source.name}", total) as advance:
        for x in batches:
            try:
                if lanes is None:
                    report = compare(
                        simulation, model, x, scaled=source.scaled, vcd=None, progress=advance
                    )
                else:
                    report = compare_lanes(
                        lanes, simulation, model, x, scaled=source.scaled, progress=advance
                    )
            except HandshakeError as error:
                run.handshake, failing = str(error), error.failing
                break
            if run.first is None and report.first is not None:
                failing = report.failing
                place = run.samples + report.first.index
                run.first = dataclasses.replace(report.first, index=place)
            run.samples += report.samples
            run.mismatches += report.mismatches
            run.rounded += report.rounded
    run.seconds = time.perf_counter() - started
    if failing is not None:
        run.minimised = cosim_case.find(simulation, model, failing, waveform)
    return run


def _table(runs: Sequence[_Run]) -> Table:
    right = ("samples", "mismatches", "time", "samples/s")
    table = common.plain_table("source", *right, right=right)
    for run in runs:
        style = "red" if run.failed else "green"
        table.add_row(
            escape(run.source),
            common.number(run.samples),
            f"[{style}]{'handshake' if run.handshake else f'{run.mismatches:,}'}[/{style}]",
            common.seconds(run.seconds),
            common.number(round(run.samples / run.seconds)) if run.samples else "-",
        )
    return table


def _show(run: _Run, case: MinimalCase) -> None:
    """Print the first mismatch as it came, and minimised."""
    screen = common.console()
    title = "wrong handshake"
    if run.first is not None:
        title = f"sample {run.first.index} of {run.source}"
        rows = {
            "input": " ".join(f"{v:g}" for v in run.first.input.ravel().tolist()),
            "expected": str(run.first.expected),
            "actual": str(run.first.actual),
        }
        table = common.plain_table("", "")
        table.columns[0].style = "bold"
        for key, value in rows.items():
            table.add_row(key, escape(value))
        screen.print(f"\n[red]first mismatch[/red]: {escape(title)}")
        screen.print(table)
    cosim_case.show(case, title)
