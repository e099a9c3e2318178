"""Project files for an RTL folder: one kind of project is one module of this package."""

from __future__ import annotations

from lgnx.converters.projects.project import (
    Project,
    find_project,
    projects,
    wanted_options,
    write_project,
)
from lgnx.converters.projects.vectors import Vectors

__all__ = ["Project", "Vectors", "find_project", "projects", "wanted_options", "write_project"]
