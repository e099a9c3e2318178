"""The process behind `lgnx.verify.sandbox`: the standard library alone, so that it starts at once.

Run as a script with the arguments MEMORY REQUESTS ANSWERS TIMEOUT: three open files and seconds.
Each line that comes is an object: the first one names the library, others a function. Each answer
is a line: ``[status, message]``.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import sys
from typing import Any

_MESSAGE_BYTES = 4096
_GRACE = 10  # seconds after which an unattended call ends itself


def _arguments(base: int, given: list[Any]) -> list[Any]:
    """Turn JSON into what ctypes takes: ``[offset]`` is a pointer into the memory."""
    made: list[Any] = []
    for value in given:
        if value is None or isinstance(value, list):
            made.append(ctypes.c_void_p(base + value[0] if value else None))
        elif isinstance(value, str):
            made.append(ctypes.c_char_p(os.fsencode(value)))
        else:
            made.append(ctypes.c_uint64(value))
    return made


def _serve(memory: int, requests: int, answers: int, timeout: float) -> None:
    shared = mmap.mmap(memory, 0)
    base = ctypes.addressof(ctypes.c_char.from_buffer(shared))
    message = ctypes.create_string_buffer(_MESSAGE_BYTES)
    tail = (message, ctypes.c_uint64(_MESSAGE_BYTES))
    library: Any = None
    handle = ctypes.c_void_p()
    with open(requests, encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            message.value = b""
            signal.alarm(int(timeout) + _GRACE)  # whoever asked may have gone
            if "library" in request:
                try:
                    library = ctypes.CDLL(request["library"])
                except OSError as error:
                    status, text = 1, str(error)
                else:
                    make = getattr(library, request["new"])
                    make.restype = ctypes.c_void_p
                    handle = ctypes.c_void_p(make(*tail))
                    status, text = int(not handle), message.value.decode("utf-8", "replace")
            else:
                function = getattr(library, request["function"])
                function.restype = ctypes.c_int
                status = function(handle, *_arguments(base, request["arguments"]), *tail)
                text = message.value.decode("utf-8", "replace")
            signal.alarm(0)
            os.write(answers, json.dumps([status, text]).encode() + b"\n")


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
