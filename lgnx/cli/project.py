"""``lgnx project``: project files for an RTL folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lgnx.cli import common

EXAMPLES = (
    "lgnx project",
    "lgnx project rtl/ vivado quartus --option period=3.2",
    "lgnx project rtl/ testbench cocotb --model model.onnx --samples data.npy --random 1000",
)

VECTORS = 200

ProjectOptions = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="Of a project; lgnx project lists them."),
]


def command(
    rtl: Annotated[
        Path | None, typer.Argument(metavar="[RTL]", help="Folder that lgnx rtl wrote.")
    ] = None,
    kinds: Annotated[
        list[str] | None, typer.Argument(metavar="[KIND]...", help="What to write.")
    ] = None,
    option: ProjectOptions = None,
    model: Annotated[
        Path | None, typer.Option(help="The RTL's model, for vectors.", metavar="MODEL")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="Vectors: .npy, .npz, .csv or .parquet.")
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(help=f"Random vectors, corners first [{VECTORS} without samples].", min=0),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of these.")] = 0,
    json: common.Json = False,
    debug: common.Debug = False,
) -> None:
    """Add project files to an RTL folder: vendors' tools, testbenches, packages.

    Without a folder, list the kinds. Files that were changed since lgnx wrote them are never
    overwritten. Vectors are samples with what the model gives for them in onnxruntime.
    """
    from lgnx.ops.errors import InputError

    if rtl is None:
        _list(json)
        return
    if not kinds:
        raise InputError(f"{rtl}: which project? `lgnx project` lists the kinds")
    if model is None and (samples is not None or random is not None):
        raise InputError("vectors need the model: --model MODEL")
    with common.working(f"writing into {rtl}") as say:
        written = write_projects(
            rtl,
            kinds,
            common.pairs("--option", option),
            model=model,
            samples=samples,
            random=random,
            seed=seed,
            progress=say,
        )
    if json:
        common.print_json(written)
        return
    screen = common.console()
    for kind, entry in written.items():
        screen.print(f"[bold]{kind}[/bold]: {', '.join(map(escape, entry['files']))}")
        screen.print(f"  run with: [cyan]{escape(entry['run'])}[/cyan]", soft_wrap=True)


def write_projects(
    rtl: Path,
    kinds: Sequence[str],
    options: Mapping[str, str],
    *,
    model: Path | None = None,
    samples: Path | None = None,
    random: int | None = None,
    seed: int = 0,
    progress: Any = None,
) -> dict[str, dict[str, Any]]:
    """Write projects; gives for each kind its files and how it is run."""
    from lgnx.converters.projects import wanted_options, write_project
    from lgnx.verify.rtl import read_rtl
    from lgnx.verify.vectors import make_vectors

    say = progress or (lambda step: None)
    chosen = wanted_options(kinds, options)
    found = read_rtl(rtl)
    vectors = None
    if model is not None and any(project.vectors != "unused" for project, _ in chosen):
        say("vectors")
        if random is None:
            random = VECTORS if samples is None else 0
        x = None if samples is None else _read_samples(samples, found.input)
        vectors = make_vectors(rtl, model, x=x, random=random, seed=seed)
    written = {}
    for project, given in chosen:
        say(project.name)
        used = vectors if project.vectors != "unused" else None
        files = write_project(rtl, project.name, vectors=used, **given)
        names = [str(file.relative_to(rtl)) for file in files]
        run = project.run.format(rtl=str(rtl).rstrip("/"), top=found.top)
        written[project.name] = {"files": names, "run": run}
    return written


def _read_samples(path: Path, port: Any) -> Any:
    import numpy as np

    from lgnx.data import fit_batch, open_reader

    reader = open_reader(path, name="x")
    batches = [
        fit_batch(
            batch,
            port.shape,
            port.dtype,
            flat=reader.flat,
            text=reader.dtype is None,
            where=str(path),
        )
        for batch in reader.batches(reader.rows or 1)
    ]
    return np.concatenate(batches) if batches else np.empty((0, *port.shape), port.dtype)


def _list(json: bool) -> None:
    from lgnx.converters.projects import projects

    if json:
        common.print_json(
            {
                project.name: {
                    "title": project.title,
                    "vectors": project.vectors,
                    "options": {o.name: o.default for o in project.options},
                }
                for project in projects()
            }
        )
        return
    table = common.plain_table("kind", "what", "vectors", "options")
    for project in projects():
        options = "\n".join(f"{o.name}={o.default}: {o.help}" for o in project.options)
        table.add_row(f"[bold]{project.name}", project.title, project.vectors, escape(options))
    common.console().print(table)
