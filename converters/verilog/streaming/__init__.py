"""Streaming RTL: convolutions whose windows slide over an image that comes in as beats."""

from __future__ import annotations

from lgnx.converters.verilog.streaming.beats import beat_features
from lgnx.converters.verilog.streaming.plan import Plan, plan_stream
from lgnx.converters.verilog.streaming.write import write_streaming

__all__ = ["Plan", "beat_features", "plan_stream", "write_streaming"]
