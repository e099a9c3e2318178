"""Boolean networks as XOR-AND graphs, and how they are built from models."""

from __future__ import annotations

from lgnx.netlist.build import NetlistBuilder
from lgnx.netlist.netlist import Netlist

__all__ = ["Netlist", "NetlistBuilder"]
