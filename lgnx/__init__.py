"""lgnx: the open interchange toolkit for logic gate networks.

Everything here is imported when it is first used, so that a program pays only for what it needs.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lgnx.check import check, check_or_raise
    from lgnx.converters.to_difflogic import to_difflogic
    from lgnx.converters.to_torchlogix import to_torchlogix
    from lgnx.converters.torch_export import export
    from lgnx.converters.torch_import import to_torch
    from lgnx.files import load_model as load
    from lgnx.files import save_model as save
    from lgnx.functions import attach_functions
    from lgnx.inspect import inspect
    from lgnx.netlist.netlist import Netlist
    from lgnx.network import Network
    from lgnx.optimize import optimize
    from lgnx.passes.pipelines import lower
    from lgnx.session import InferenceSession
    from lgnx.versions import convert_version

__version__ = "0.1.0"

__all__ = [
    "InferenceSession",
    "Netlist",
    "Network",
    "attach_functions",
    "check",
    "check_or_raise",
    "convert_version",
    "export",
    "inspect",
    "load",
    "lower",
    "optimize",
    "save",
    "to_difflogic",
    "to_torch",
    "to_torchlogix",
]

_HOMES = {
    "InferenceSession": ("lgnx.session", "InferenceSession"),
    "Netlist": ("lgnx.netlist.netlist", "Netlist"),
    "Network": ("lgnx.network", "Network"),
    "attach_functions": ("lgnx.functions", "attach_functions"),
    "check": ("lgnx.check", "check"),
    "check_or_raise": ("lgnx.check", "check_or_raise"),
    "convert_version": ("lgnx.versions", "convert_version"),
    "export": ("lgnx.converters.torch_export", "export"),
    "inspect": ("lgnx.inspect", "inspect"),
    "load": ("lgnx.files", "load_model"),
    "lower": ("lgnx.passes.pipelines", "lower"),
    "optimize": ("lgnx.optimize", "optimize"),
    "save": ("lgnx.files", "save_model"),
    "to_difflogic": ("lgnx.converters.to_difflogic", "to_difflogic"),
    "to_torch": ("lgnx.converters.torch_import", "to_torch"),
    "to_torchlogix": ("lgnx.converters.to_torchlogix", "to_torchlogix"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, attribute = _HOMES[name]
        value = getattr(importlib.import_module(module), attribute)
        globals()[name] = value
        return value
    if name in ("ops", "torch"):  # packages; torch needs the extra
        return importlib.import_module(f"lgnx.{name}")
    raise AttributeError(f"module 'lgnx' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "ops", "torch"})


class _Facade(ModuleType):
    """Keeps `lgnx.check` the function when the submodule of that name is imported by anyone."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and value.__name__ == _HOMES.get(name, ("",))[0]:
            value = getattr(value, _HOMES[name][1])
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade
