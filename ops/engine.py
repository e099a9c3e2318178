"""The native library from Python: the netlist optimiser and the engine, without onnxruntime."""

from __future__ import annotations

import ctypes
import functools
from typing import Any, NamedTuple

import numpy as np
from onnx import helper

from lgnx.ops.errors import LgnxError
from lgnx.ops.library import library_path

_ERROR_SIZE = 512


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(library_path())
    pointer, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    error = [ctypes.c_char_p, ctypes.c_size_t]
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "lgnx_netlist_optimize": (
            pointer,
            [u32, u64, pointer, pointer, u64, pointer, *error],
        ),
        "lgnx_netlist_size": (u64, [pointer]),
        "lgnx_netlist_read": (None, [pointer] * 4),
        "lgnx_netlist_free": (None, [pointer]),
        "lgnx_netlist_levels": (ctypes.c_int, [u32, u64, pointer, pointer, *error]),
        "lgnx_program_load": (pointer, [pointer, u64, *error]),
        "lgnx_program_free": (None, [pointer]),
        "lgnx_program_inputs": (u32, [pointer]),
        "lgnx_program_outputs": (u32, [pointer]),
        "lgnx_program_run": (ctypes.c_int, [pointer, pointer, u64, pointer, *error]),
        "lgnx_program_profile": (ctypes.c_int, [pointer, pointer, u32, pointer, *error]),
        "lgnx_simd": (ctypes.c_char_p, []),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class _Message:
    """Buffer for the message of a failed call."""

    def __init__(self) -> None:
        self.buffer = ctypes.create_string_buffer(_ERROR_SIZE)
        self.arguments = (self.buffer, _ERROR_SIZE)

    def error(self) -> LgnxError:
        return LgnxError(self.buffer.value.decode(errors="replace"))


def optimize(
    n_inputs: int, kinds: np.ndarray, fanins: np.ndarray, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simplify an XOR-AND graph: constants, polarity, hashing, two-level rules, dead nodes.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    kinds
        uint8 [n], 0 = AND, 1 = XOR.
    fanins
        uint32 [n, 2], literals of smaller variables (see `lgnx.netlist.Netlist`).
    outputs
        uint32 [m], literals.

    Returns
    -------
    tuple
        ``kinds, fanins, outputs`` of the result, in the same form.

    Raises
    ------
    LgnxError
        If a literal is out of range.
    """
    library, message = _library(), _Message()
    kinds = np.ascontiguousarray(kinds, np.uint8)
    fanins = np.ascontiguousarray(fanins, np.uint32)
    outputs = np.ascontiguousarray(outputs, np.uint32)
    handle = library.lgnx_netlist_optimize(
        n_inputs,
        len(kinds),
        kinds.ctypes.data,
        fanins.ctypes.data,
        len(outputs),
        outputs.ctypes.data,
        *message.arguments,
    )
    if not handle:
        raise message.error()
    try:
        n = library.lgnx_netlist_size(handle)
        new_kinds, new_fanins = np.empty(n, np.uint8), np.empty((n, 2), np.uint32)
        new_outputs = np.empty(len(outputs), np.uint32)
        library.lgnx_netlist_read(
            handle, new_kinds.ctypes.data, new_fanins.ctypes.data, new_outputs.ctypes.data
        )
    finally:
        library.lgnx_netlist_free(handle)
    return new_kinds, new_fanins, new_outputs


def levels(n_inputs: int, fanins: np.ndarray) -> np.ndarray:
    """Levels of the nodes of a graph: 1 + the larger level of the fan-ins, inputs being 0.

    Parameters
    ----------
    n_inputs
        Number of inputs.
    fanins
        uint32 [n, 2], literals of smaller variables.

    Returns
    -------
    numpy.ndarray
        uint32 [n].

    Raises
    ------
    LgnxError
        If a literal is out of range.
    """
    message = _Message()
    fanins = np.ascontiguousarray(fanins, np.uint32)
    result = np.empty(len(fanins), np.uint32)
    if _library().lgnx_netlist_levels(
        n_inputs, len(fanins), fanins.ctypes.data, result.ctypes.data, *message.arguments
    ):
        raise message.error()
    return result


class _Rows(ctypes.Structure):
    """The lgnx_rows of lgnx.h."""

    _fields_ = (
        ("x", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("features", ctypes.c_uint64),
        ("batch", ctypes.c_uint64),
        ("thresholds", ctypes.c_void_p),
        ("per_feature", ctypes.c_uint64),
        ("strict", ctypes.c_int32),
    )


class StageTimes(NamedTuple):
    """Seconds of one run: making bits of numbers, evaluating gates, making scores or bytes."""

    pack: float
    gates: float
    output: float


class NativeProgram:
    """A LogicNetwork program in the native engine.

    Parameters
    ----------
    words
        uint32, the program.

    Raises
    ------
    LgnxError
        If the program is not valid.
    """

    def __init__(self, words: np.ndarray) -> None:
        self._handle = None
        message = _Message()
        words = np.ascontiguousarray(words, np.uint32)
        self._handle = _library().lgnx_program_load(
            words.ctypes.data, words.size, *message.arguments
        )
        if not self._handle:
            raise message.error()
        self.n_inputs: int = _library().lgnx_program_inputs(self._handle)
        self.n_outputs: int = _library().lgnx_program_outputs(self._handle)

    def run(self, bits: np.ndarray) -> np.ndarray:
        """Evaluate the program: bool [B, n_inputs] to bool [B, n_outputs].

        Raises
        ------
        LgnxError
            If the shape does not fit.
        """
        if bits.ndim != 2 or bits.shape[1] != self.n_inputs:
            raise LgnxError(f"bits of shape {bits.shape}, must be [B, {self.n_inputs}]")
        message = _Message()
        bits = np.ascontiguousarray(bits, dtype=bool)
        result = np.empty((len(bits), self.n_outputs), dtype=bool)
        if _library().lgnx_program_run(
            self._handle, bits.ctypes.data, len(bits), result.ctypes.data, *message.arguments
        ):
            raise message.error()
        return result

    def profile(
        self,
        x: np.ndarray,
        thresholds: np.ndarray | None = None,
        *,
        strict: bool = True,
        groups: int = 0,
    ) -> StageTimes:
        """Run a batch in this thread and tell where the time went; the result is dropped.

        Parameters
        ----------
        x
            [B, features], any number type but float16.
        thresholds
            [features, T] of the type of x; None where a bit is x != 0.
        strict
            Whether an input bit is x > t, rather than x >= t.
        groups
            Of the group sum; 0 where the output is bits.

        Raises
        ------
        LgnxError
            If shapes or types do not fit.
        """
        if x.ndim != 2 or (thresholds is not None and thresholds.dtype != x.dtype):
            raise LgnxError("x must have two axes, and the thresholds its dtype")
        if thresholds is not None and thresholds.shape[:-1] != x.shape[1:]:
            raise LgnxError(f"thresholds of shape {thresholds.shape} for x of shape {x.shape}")
        x = np.ascontiguousarray(x)
        limits = None if thresholds is None else np.ascontiguousarray(thresholds)
        rows = _Rows(
            x.ctypes.data,
            int(helper.np_dtype_to_tensor_dtype(x.dtype)),
            x.shape[1],
            len(x),
            None if limits is None else limits.ctypes.data,
            1 if limits is None else limits.shape[1],
            strict,
        )
        message, seconds = _Message(), (ctypes.c_double * 3)()
        if _library().lgnx_program_profile(
            self._handle, ctypes.byref(rows), groups, seconds, *message.arguments
        ):
            raise message.error()
        return StageTimes(*seconds)

    def __del__(self) -> None:
        if self._handle:
            _library().lgnx_program_free(self._handle)


def simd() -> str:
    """Name of the instruction set in use: "avx512", "avx2" or "portable".

    The environment variable LGNX_SIMD forces one; it is read once.
    """
    return _library().lgnx_simd().decode()
