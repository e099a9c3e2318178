"""The cases, one file an operator. A file has a function ``cases`` that gives them in order."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator

from lgnx.ops import OPERATORS
from lgnx.ops.errors import InputError
from lgnx.verify.conformance.case import Case
from lgnx.verify.conformance.make import snake

__all__ = ["generate_cases"]


def generate_cases(operators: Collection[str] = ()) -> Iterator[Case]:
    """Make the cases of some operators, or of all; the same ones every time.

    Raises
    ------
    InputError
        If there are no cases of an operator.
    """
    files = {module.name for module in pkgutil.iter_modules(__path__)}
    known = [name for name in OPERATORS if snake(name) in files]
    for name in operators:
        if name not in known:
            raise InputError(f"there are no cases of {name!r}; there are: {', '.join(known)}")
    for name in operators or known:
        yield from importlib.import_module(f"{__name__}.{snake(name)}").cases()
