"""The waves of one sample as a VCD file."""

from __future__ import annotations

import ctypes
import os

import numpy as np

from lgnx.files import atomic_path
from lgnx.ops.errors import InputError
from lgnx.verify.rtl import Rtl

__all__ = ["write_waves"]

_MESSAGE_BYTES = 1024


def write_waves(
    library: ctypes.CDLL, rtl: Rtl, sample: np.ndarray, path: str | os.PathLike[str]
) -> None:
    """Simulate one sample from power-up and write every net of the design.

    Parameters
    ----------
    library
        A simulation that was built with waves.
    rtl
        Its design.
    sample
        ``[...]`` of the model's input without the batch.
    path
        VCD file to write, whole or not at all. A clock period, or a settled step of a
        combinational design, is ten time units.

    Raises
    ------
    InputError
        If the sample does not fit, or the file cannot be written.
    """
    codes = rtl.input.codes(np.asarray(sample)[np.newaxis])
    message = ctypes.create_string_buffer(_MESSAGE_BYTES)
    trace = library.lgnx_sim_trace
    trace.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint64]
    trace.restype = ctypes.c_int
    with atomic_path(path) as temporary:
        if trace(codes.ctypes.data, os.fsencode(temporary), message, _MESSAGE_BYTES):
            raise InputError(f"{path}: {message.value.decode()}")
