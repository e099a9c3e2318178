"""The errors that lgnx raises on purpose, and the import of optional packages."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Literal


class LgnxError(Exception):
    """Base of every error that lgnx raises on purpose."""


class InputError(LgnxError, ValueError):
    """Data or an argument given by the user does not fit; the message says what would."""


class ToolError(LgnxError, RuntimeError):
    """An external tool (Verilator, a compiler) is missing or failed; the message holds its own."""


class ComparisonError(LgnxError):
    """Two forms of one network gave different outputs."""


class MissingExtraError(LgnxError, ImportError):
    """An optional package is not installed; the message names the pip command."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or suspicious, in a model.

    Attributes
    ----------
    severity
        ``"error"`` (the model must not be used) or ``"warning"``.
    node
        Name of the node, or ``"model"`` for what concerns the whole file.
    field
        The attribute, input or header field at fault.
    message
        What was given and what is allowed.
    """

    severity: Literal["error", "warning"]
    node: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: node {self.node!r}, {self.field}: {self.message}"


class ModelError(LgnxError, ValueError):
    """A model or a file cannot be used.

    Attributes
    ----------
    problems
        Everything that was found, where a check found it; else empty.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)


def require(module: str, extra: str) -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    module
        Dotted name of the module.
    extra
        The extra of lgnx that installs it.

    Raises
    ------
    MissingExtraError
        If the module is not installed; the message names the pip command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"this needs the package {module.split('.')[0]!r}, which is not installed; "
            f"install it with: pip install 'lgnx[{extra}]'"
        ) from None
