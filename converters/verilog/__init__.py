"""Verilog of a logic network: thermometer, logic stages, popcount, argmax, and a sidecar JSON."""

from __future__ import annotations

from lgnx.converters.verilog.fixed_point import FixedPoint, parse_format
from lgnx.converters.verilog.write import write_rtl

__all__ = ["FixedPoint", "parse_format", "write_rtl"]
