"""The native library: where it lies, and how to give it to onnxruntime."""

from __future__ import annotations

import functools
import weakref
from importlib import resources
from typing import Any

from lgnx.ops.errors import LgnxError

_NAME = "lgnx_ops.so"
_registered: weakref.WeakSet[Any] = weakref.WeakSet()


@functools.cache
def library_path() -> str:
    """Path of the custom-op library, for `SessionOptions.register_custom_ops_library`.

    Raises
    ------
    LgnxError
        If the library is not there.
    """
    path = resources.files("lgnx.ops").joinpath(_NAME)
    if not path.is_file():
        raise LgnxError(
            f"the native library {_NAME} is missing; install lgnx again with: "
            "pip install --force-reinstall --no-deps lgnx (or 'pip install -e .' in a checkout; "
            "a normal install cannot be used from the root of the repository)"
        )
    return str(path)


def register(session_options: Any) -> None:
    """Register the lgnx kernels on onnxruntime session options; a second call does nothing.

    Parameters
    ----------
    session_options
        An `onnxruntime.SessionOptions`.
    """
    if session_options in _registered:
        return
    session_options.register_custom_ops_library(library_path())
    _registered.add(session_options)
