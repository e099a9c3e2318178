"""The engines that `peers.py` compares, one file each.

A file holds ENGINES, a tuple of `Engine`. Files are found by themselves, so an engine goes with its
file.
"""

from __future__ import annotations

import importlib
import pkgutil

from engines.interface import Engine


def all_engines() -> list[Engine]:
    """Give every engine, in the order of the tables: lgnx, compiled peers, interpreted ones."""
    found: list[Engine] = []
    for module in pkgutil.iter_modules(__path__):
        found += getattr(importlib.import_module(f"engines.{module.name}"), "ENGINES", ())
    return sorted(found, key=lambda engine: engine.rank)
