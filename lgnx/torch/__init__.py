"""The operators of `lgnx.ops` for torch: as functions, and as modules for inference.

Each function is a torch operator (``torch.ops.lgnx``). It computes its operator's exact result on
every device, is traced by ``torch.export`` and ``torch.compile`` as one operator, and becomes one
ONNX node in `lgnx.export`. None has gradients: they are for trained networks.

Importing this package needs torch; ``import lgnx`` does not.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import lgnx.ops  # noqa: F401  (registers the schemas, which torch's exporter looks up)
from lgnx.ops import DOMAIN, VERSION
from lgnx.ops.errors import require

require("torch", extra="torch")

# The functions take the names of the files that they come from.
from lgnx.torch.group_sum import GroupSum, group_sum  # noqa: E402
from lgnx.torch.logic_conv import LogicConv, logic_conv  # noqa: E402
from lgnx.torch.logic_conv_transpose import LogicConvTranspose, logic_conv_transpose  # noqa: E402
from lgnx.torch.logic_dense import LogicDense, logic_dense  # noqa: E402
from lgnx.torch.or_pool import OrPool, or_pool  # noqa: E402
from lgnx.torch.thermometer import Thermometer, thermometer  # noqa: E402

__all__ = [
    "GroupSum",
    "LogicConv",
    "LogicConvTranspose",
    "LogicDense",
    "OrPool",
    "Thermometer",
    "group_sum",
    "logic_conv",
    "logic_conv_transpose",
    "logic_dense",
    "or_pool",
    "thermometer",
    "translations",
]

_FILES = (
    "thermometer",
    "logic_dense",
    "logic_conv",
    "logic_conv_transpose",
    "or_pool",
    "group_sum",
)


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Give the table that ``torch.onnx.export`` takes as ``custom_translation_table``.

    Raises
    ------
    MissingExtraError
        If onnxscript is not installed.
    """
    opset = require("onnxscript.values", extra="torch").Opset(DOMAIN, VERSION)
    files = (importlib.import_module(f"{__name__}.{name}") for name in _FILES)
    return dict(file.translation(opset) for file in files)
