"""Conformance: cases of every operator that any runtime can be held against.

A case is a model of one node, inputs, and the outputs that the numpy reference gives; or a model
or inputs that must be refused. `generate_cases` makes them, `save_cases` writes them in the layout
of onnx's backend tests. docs/conformance.md shows how to test a runtime of your own: subclass
`Backend` and hand it to `run_cases`.
"""

from __future__ import annotations

from lgnx.verify.conformance.backend import Backend, Result, run_case, run_cases
from lgnx.verify.conformance.backends import find_backends
from lgnx.verify.conformance.case import Case, DataSet, Refusal, load_cases, save_cases
from lgnx.verify.conformance.cases import generate_cases

__all__ = [
    "Backend",
    "Case",
    "DataSet",
    "Refusal",
    "Result",
    "find_backends",
    "generate_cases",
    "load_cases",
    "run_case",
    "run_cases",
    "save_cases",
]
