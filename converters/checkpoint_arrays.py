"""Arrays of numpy in checkpoints, read without numpy's own unpickling.

What a pickle asks of numpy to make an array is answered by stand-ins, which keep what they are
given and check it when the array is asked for.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from lgnx.ops.errors import ModelError

__all__ = ["STAND_INS", "PickledArray"]

_KIND = re.compile(r"b1|[iu][1248]|f[248]")


class _PickledType:
    """Stands in for ``numpy.dtype``."""

    def __init__(self, kind: Any = None, *rest: Any) -> None:
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise ModelError(f"has an array of {kind!r}, must be of whole numbers, floats or bool")
        self.dtype = np.dtype(kind)

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<", ">", "|", "="):
            raise ModelError(f"has an array of the byte order {order!r}")
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """An array as it stands in a checkpoint; ``numpy.asarray`` makes an array of it."""

    def __init__(self, *args: Any) -> None:
        if args:
            raise ModelError("makes an array in a way that numpy's pickles do not")
        self._values: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ModelError("has an array without shape and values")
        _, shape, kind, fortran, data = state
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise ModelError(f"has an array of shape {shape!r}")
        if not isinstance(kind, _PickledType) or not isinstance(data, bytes):
            raise ModelError("has an array of objects, must be of numbers")
        if math.prod(shape) * kind.dtype.itemsize != len(data) or len(shape) > 32:
            raise ModelError(f"has an array of shape {list(shape)} and {len(data)} bytes")
        values = np.frombuffer(data, kind.dtype)
        self._values = values.reshape(shape, order="F" if fortran else "C")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self._values is None:
            raise ModelError("has an array without shape and values")
        return np.array(self._values, dtype or self._values.dtype.newbyteorder("="))


def _reconstruct(*args: Any) -> PickledArray:
    if not args or args[0] is not PickledArray:
        raise ModelError("has an array of a class of its own")
    return PickledArray()


def _scalar(*args: Any) -> Any:
    if len(args) != 2 or not isinstance(args[0], _PickledType) or not isinstance(args[1], bytes):
        raise ModelError("has a number of numpy without its value")
    array = PickledArray()
    array.__setstate__((1, (), args[0], False, args[1]))
    return np.asarray(array)[()]


def _bytes(*args: Any) -> bytes:
    if args:
        raise ModelError("makes bytes of something")
    return b""


STAND_INS: dict[str, Any] = {
    "builtins.bytes": _bytes,  # of an array without elements
    "numpy.dtype": _PickledType,
    "numpy.ndarray": PickledArray,
    **{
        f"numpy.{core}.multiarray.{name}": stand_in
        for core in ("core", "_core")
        for name, stand_in in (("_reconstruct", _reconstruct), ("scalar", _scalar))
    },
}
"""What takes the place of each name that pickles of arrays hold."""
