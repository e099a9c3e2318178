"""The custom operators in onnxruntime, with each instruction set that runs here.

The instruction set is chosen once in a process, so each has a process of its own. A model that
ends the process is a case that failed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx

from lgnx.ops.errors import ToolError
from lgnx.verify.conformance.backend import Backend, Run

VARIANTS = ("portable", "avx2", "avx512")
"""Values of the environment variable LGNX_SIMD."""


class CustomOp(Backend):
    """onnxruntime with the library of lgnx, in a process of its own."""

    detects = frozenset({"node", "data"})

    def __init__(self, variant: str) -> None:
        self.variant = variant
        self.name = f"custom-op-{variant}"
        self.title = f"custom op, {variant}"
        self._process: subprocess.Popen[bytes] | None = None

    def missing(self) -> str | None:
        """Ask the library whether the instruction set runs here."""
        try:
            used = self._ask("simd")
        except Exception as error:
            self.close()
            return " ".join(str(error).split())
        return (
            None
            if used == self.variant
            else f"this machine or library does not have {self.variant}"
        )

    def prepare(self, model: onnx.ModelProto) -> Run:
        """Open a session in the process, for all inputs."""
        self._ask("load", model.SerializeToString())

        def run(inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
            return self._ask("run", dict(inputs))

        return run

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._process = None

    def _ask(self, request: str, argument: Any = None) -> Any:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}._worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"LGNX_SIMD": self.variant},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((request, argument), self._process.stdin)
            self._process.stdin.flush()
            good, answer = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            code = self._process.wait()
            self._process.stdout.close()
            self._process = None
            raise ToolError(f"the process ended with code {code}") from None
        if not good:
            raise RuntimeError(answer)
        return answer


def backends() -> Iterator[Backend]:
    """Give a backend for each instruction set."""
    for variant in VARIANTS:
        yield CustomOp(variant)
