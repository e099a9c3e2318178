"""The process of a backend of the custom operators: requests on stdin, answers on stdout."""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from lgnx.ops import engine, register
from lgnx.verify.conformance.backend import Run
from lgnx.verify.conformance.backends._stock import stock_session


def main() -> None:
    """Answer until stdin ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not come between the answers
    run: Run | None = None
    while True:
        try:
            request, argument = pickle.load(requests)
        except EOFError:
            return
        answer: tuple[bool, Any]
        try:
            if request == "simd":
                answer = True, engine.simd()
            elif request == "load":
                run = stock_session(_model(argument), register)
                answer = True, None
            else:
                assert run is not None
                answer = True, run(argument)
        except Exception as error:
            answer = False, str(error) or type(error).__name__
        pickle.dump(answer, answers)
        answers.flush()


def _model(data: bytes) -> Any:
    import onnx

    return onnx.ModelProto.FromString(data)


if __name__ == "__main__":
    main()
