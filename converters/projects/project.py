"""The registry of project kinds, and the writing of a project into an RTL folder.

A kind is a module of this package that defines ``PROJECT = Project(...)``. It is found by that
line, so that adding or deleting one touches nothing else.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from lgnx.converters.formats import Option, checked_options
from lgnx.converters.projects.rtl_folder import RtlFolder, read_folder
from lgnx.converters.projects.vectors import Vectors
from lgnx.converters.verilog.folder import PROJECTS, file_digest, project_files
from lgnx.files import atomic_path
from lgnx.ops.errors import InputError, require

__all__ = ["Project", "find_project", "projects", "render", "wanted_options", "write_project"]

_MARK = "\nPROJECT = Project("


@dataclass(frozen=True)
class Project:
    """One kind of project.

    Attributes
    ----------
    name
        As ``--project`` takes it.
    title
        What it is, in one line.
    write
        ``write(rtl, vectors, **options)`` gives the text of each file, by its path in the folder.
    run
        How it is run, in one line; ``{rtl}`` is the folder, ``{top}`` the top module.
    options
        What it takes beside.
    vectors
        Whether it needs vectors, uses them where there are some, or does without.
    """

    name: str
    title: str
    write: Callable[..., dict[str, str]]
    run: str
    options: tuple[Option, ...] = ()
    vectors: Literal["needed", "used", "unused"] = "unused"


@cache
def projects() -> tuple[Project, ...]:
    """Every kind, by name."""
    import lgnx.converters.projects as package

    found: list[Project] = []
    for module in pkgutil.iter_modules(package.__path__):
        spec = module.module_finder.find_spec(module.name, None)  # type: ignore[call-arg]
        loader: Any = spec.loader if spec else None
        if loader is not None and _MARK in (loader.get_source(module.name) or ""):
            found.append(importlib.import_module(f"{package.__name__}.{module.name}").PROJECT)
    return tuple(sorted(found, key=lambda project: project.name))


def find_project(name: str) -> Project:
    """Give the kind of a name.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    for project in projects():
        if project.name == name:
            return project
    names = ", ".join(project.name for project in projects())
    raise InputError(f"there is no project {name!r}; there are: {names}")


def wanted_options(
    names: Sequence[str], options: Mapping[str, Any]
) -> list[tuple[Project, dict[str, Any]]]:
    """Give each of several kinds those of the options that it takes.

    Raises
    ------
    InputError
        If a kind is not known, or none of them takes an option.
    """
    chosen = [find_project(name) for name in dict.fromkeys(names)]
    known = {option.name for project in chosen for option in project.options}
    for name in options:
        if name not in known:
            given = ", ".join(sorted(known)) or "none"
            raise InputError(
                f"option {name!r}: no project that is written takes it; they take: {given}"
            )
    return [
        (
            project,
            {o.name: options[o.name] for o in project.options if o.name in options},
        )
        for project in chosen
    ]


def write_project(
    rtl_dir: str | Path, name: str, *, vectors: Vectors | None = None, **options: Any
) -> list[Path]:
    """Write project files into an RTL folder.

    Parameters
    ----------
    rtl_dir
        Folder that lgnx wrote.
    name
        Kind of project, see `projects`. Files of it that lgnx wrote before are replaced.
    vectors
        For the kinds that use them.
    **options
        Of that kind.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    ModelError
        If the folder is not one that lgnx wrote, or not of one build.
    InputError
        If the kind or an option is not known, vectors are missing or of another build, or a file
        stands there that lgnx did not write, or that was changed since. Nothing is written then.
    MissingExtraError
        If jinja2 is not installed.
    """
    project, out = find_project(name), Path(rtl_dir)
    given = {option.name: option.default for option in project.options}
    given |= checked_options(options, project.options, project.name, "project")
    rtl = read_folder(out)
    if vectors is not None:
        vectors.check(rtl)
    elif project.vectors == "needed":
        raise InputError(f"project {name}: needs vectors, which are made with the model")
    texts = project.write(rtl, vectors, **given)
    own = project_files(out)
    for file in texts:
        if (out / file).exists() and file not in own:
            raise InputError(
                f"{out / file}: was changed, or written by somebody else; move it away"
            )
    for file, text in texts.items():
        try:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{out}: cannot write there: {error.strerror}") from None
        _write(out / file, text)
    listed = {file: file_digest(out / file) for file in {*own, *texts}}
    _write(out / PROJECTS, json.dumps(dict(sorted(listed.items())), indent=1) + "\n")
    return [out / file for file in sorted(texts)]


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def render(template: str, rtl: RtlFolder, **values: Any) -> str:
    """Fill in a template of this package."""
    jinja2 = require("jinja2", extra="rtl")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(rtl=rtl, **values)


def _template(name: str) -> str:
    folder = resources.files("lgnx.converters.projects").joinpath("templates")
    return folder.joinpath(name).read_text("utf-8")
