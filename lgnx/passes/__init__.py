"""Rewrites of models, one pass a file, on onnx_ir."""

from __future__ import annotations

from lgnx.passes.pipelines import PASSES, PIPELINES, lower, run_passes

__all__ = ["PASSES", "PIPELINES", "lower", "run_passes"]
