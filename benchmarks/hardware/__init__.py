"""The writers of Verilog that `hardware_peers.py` compares, one file each.

A file holds PEERS, a tuple of `Peer`. Files are found by themselves, so a peer goes with its file.
"""

from __future__ import annotations

import importlib
import pkgutil

from hardware.interface import Peer


def all_peers() -> list[Peer]:
    """Give every peer, in the order of the tables."""
    found: list[Peer] = []
    for module in pkgutil.iter_modules(__path__):
        found += getattr(importlib.import_module(f"hardware.{module.name}"), "PEERS", ())
    return sorted(found, key=lambda peer: peer.rank)
