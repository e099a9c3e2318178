"""A shared library called in a process of its own, which may crash or never end.

The process is a bare Python with ctypes, started once; what goes in and out stands in memory that
both share, so that a call costs about 0.2 ms.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from lgnx.ops.errors import InputError, ToolError

__all__ = ["Place", "Sandbox"]

LONGEST = 1_000_000  # seconds
_SHOWN_BYTES = 500  # of what the process printed
_ANSWER_BYTES = 1 << 16


@dataclass(frozen=True)
class Place:
    """A pointer into the shared memory, as an argument of a call."""

    offset: int


class Sandbox:
    """One process that has loaded one library and made one object with it.

    Parameters
    ----------
    library
        Shared library. Its functions end with the arguments ``char* error, uint64_t error_size``
        and take 64-bit numbers and pointers before them.
    what
        What the library is, for messages: ``"the simulation of lgnx_top"``.
    memory_bytes
        Size of the shared memory.
    timeout
        Seconds that a call may take.
    new
        Function that makes the object, which every call gets first.

    Raises
    ------
    InputError
        If the time limit is none.
    ToolError
        If the library cannot be loaded, the object cannot be made, or the process ends or gives no
        answer.
    """

    def __init__(
        self,
        library: Path,
        what: str,
        *,
        memory_bytes: int,
        timeout: float,
        new: str = "lgnx_sim_new",
    ) -> None:
        if not 0 < timeout <= LONGEST:
            raise InputError(f"timeout is {timeout:g} s; allowed: above 0, up to {LONGEST}")
        self._what, self._timeout = what, timeout
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as file:
            try:
                file.truncate(max(1, memory_bytes))
                self._memory = mmap.mmap(file.fileno(), max(1, memory_bytes))
            except OSError as error:
                raise ToolError(
                    f"{what} needs {memory_bytes:,} bytes in {tempfile.gettempdir()}: "
                    f"{error.strerror}"
                ) from None
            requests, self._requests = os.pipe()
            self._answers, answers = os.pipe()
            try:
                self._process = self._start(file.fileno(), requests, answers)
            finally:
                os.close(requests)
                os.close(answers)
        status, message = self._ask(library=str(library), new=new)
        if status:
            self.close()
            raise ToolError(f"{what} cannot be started: {message}")

    def view(self, offset: int, shape: Sequence[int], dtype: np.dtype | type) -> np.ndarray:
        """Give a part of the shared memory as an array."""
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(self._memory, dtype, count, offset).reshape(shape)

    def call(self, function: str, *arguments: int | str | Place | None) -> tuple[int, str]:
        """Call a function of the library.

        Returns
        -------
        int, str
            What it returned, and what it wrote as its error.

        Raises
        ------
        ToolError
            If the process ends, or gives no answer in time; it is gone then.
        """
        plain = [[a.offset] if isinstance(a, Place) else a for a in arguments]
        return self._ask(function=function, arguments=plain)

    def close(self) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        for handle in (self._requests, self._answers):
            if handle >= 0:
                os.close(handle)
        self._requests = self._answers = -1

    def __del__(self) -> None:
        if hasattr(self, "_process"):
            self.close()

    def _start(self, memory: int, requests: int, answers: int) -> subprocess.Popen[bytes]:
        script = files("lgnx.verify").joinpath("sandbox_child.py").read_text("utf-8")
        command = [sys.executable, "-I", "-S", "-c", script]
        command += map(str, (memory, requests, answers, self._timeout))
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=(memory, requests, answers),
        )

    def _ask(self, **request: object) -> tuple[int, str]:
        if self._requests < 0:
            raise ToolError(f"{self._what} has ended")
        try:
            os.write(self._requests, json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise self._ended() from None
        end = time.monotonic() + self._timeout
        answer = b""
        while not answer.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self.close()
                raise ToolError(
                    f"{self._what} gave no answer within {self._timeout:g} s, and was stopped; "
                    "a longer time limit can be given"
                )
            part = os.read(self._answers, _ANSWER_BYTES)
            if not part:
                raise self._ended()
            answer += part
        status, message = json.loads(answer)
        return int(status), str(message)

    def _ended(self) -> ToolError:
        """Give the error for a process that ended by itself."""
        status = self._process.wait()
        self.close()
        how = f"ended with exit code {status}"
        if status < 0:
            how = f"crashed with signal {-status} ({signal.strsignal(-status)})"
        self._printed.seek(0)
        printed = " ".join(self._printed.read().decode("utf-8", "replace").split())
        return ToolError(
            f"{self._what} {how}" + (f": {printed[-_SHOWN_BYTES:]}" if printed else "")
        )
