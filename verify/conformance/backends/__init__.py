"""The backends, one file each. A file has a function ``backends`` that gives them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection

from lgnx.ops.errors import InputError
from lgnx.verify.conformance.backend import Backend

__all__ = ["find_backends"]


def find_backends(names: Collection[str] = ()) -> list[Backend]:
    """Give the backends of some names, or all, whether they can run here or not.

    Raises
    ------
    InputError
        If there is no backend of a name.
    """
    files = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    made = [
        backend
        for file in files
        for backend in importlib.import_module(f"{__name__}.{file}").backends()
    ]
    known = {backend.name: backend for backend in made}
    for name in names:
        if name not in known:
            raise InputError(f"there is no backend {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else made
