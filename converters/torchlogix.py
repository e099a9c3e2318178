"""Layers of torchlogix as `lgnx.ops` operators.

A layer is asked what it computes, not read: its wires are where its connections take the numbers
0, 1, 2, ... from, its tables are what its parametrization gives in evaluation mode at every
address. So tables and wires are those of the layer's own evaluation forward to the last bit, for
every parametrization, and no numbering of gates or order of bits has to be translated. torchlogix's
export mode is not used: it gives wrong bits for some layers.

Importing this module makes ``import torchlogix`` work on Python versions for which
torchlogix 0.2.2 does not compile.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lgnx.converters.torchlogix_conv import logic_conv, or_pool
from lgnx.converters.torchlogix_tables import packed_tables
from lgnx.ops.errors import ModelError, require

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torch_layers import Adapter, Calls, Forward

__all__ = ["ADAPTERS", "import_torchlogix"]


def import_torchlogix() -> ModuleType:
    """Import torchlogix, on every Python version that lgnx runs on.

    Raises
    ------
    MissingExtraError
        If torchlogix is not installed.
    """
    _stand_in_for_circuit()
    return require("torchlogix", extra="torch")


def _stand_in_for_circuit() -> None:
    """Put an empty ``torchlogix.circuit`` in place if the real one is no Python of this version.

    torchlogix 0.2.2 says it runs on Python 3.10, but that file, which the layers do not need, uses
    f-strings of Python 3.12.
    """
    name = "torchlogix.circuit"
    if sys.version_info >= (3, 12) or name in sys.modules or "torchlogix" in sys.modules:
        return
    spec = importlib.util.find_spec("torchlogix")
    if spec is None or spec.origin is None:
        return
    source = Path(spec.origin).with_name("circuit.py")
    if not source.is_file():
        return
    try:
        compile(source.read_bytes(), str(source), "exec")
    except SyntaxError:
        circuit = ModuleType(name, "Stands in for the real module, which needs Python 3.12.")
        circuit.Circuit = None  # type: ignore[attr-defined]
        sys.modules[name] = circuit


_stand_in_for_circuit()


def _binarization(layer: Any, calls: Calls) -> Forward | None:
    """Binarization layers: bit j of a feature is feature > threshold j."""
    import torch

    from lgnx.torch import thermometer

    given = layer.get_thresholds()
    if given is None:
        raise ModelError("has no thresholds")
    given = given.detach()
    if not torch.equal(given, _training_thresholds(layer)):
        version = importlib.metadata.version("torchlogix")
        calls.warnings.append(
            f"in torchlogix {version}, its thresholds in evaluation differ from those it was "
            "trained with; exported as it evaluates"
        )
    constants = {
        (dtype, len(shape)): _thresholds(given, dtype, shape) for dtype, shape in calls.outputs
    }

    def forward(x: torch.Tensor) -> torch.Tensor:
        thresholds = constants[x.dtype, x.ndim]
        bits = thermometer(x.to(thresholds.dtype), thresholds)
        axis = layer.feature_dim % bits.ndim
        if axis != bits.ndim - 2:
            bits = bits.movedim(-1, axis + 1)
        return bits.flatten(axis, axis + 1).to(calls.output_dtype(x))

    return forward


def _training_thresholds(layer: Any) -> torch.Tensor:
    layer.training = True
    try:
        return layer.get_thresholds().detach()
    finally:
        layer.training = False


def _thresholds(given: torch.Tensor, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Give the thresholds as they are compared with inputs of a dtype and shape."""
    import torch

    common = torch.result_type(torch.empty(1, dtype=dtype), given)
    if common in (torch.bfloat16, torch.bool):  # not known to the operator; this is exact
        common = torch.float32
    thresholds = given.to(common)
    if thresholds.ndim == 0:
        thresholds = thresholds.reshape(1)
    if thresholds.ndim == 2 and len(shape) == 4:  # one row for each channel of an image
        thresholds = thresholds.reshape(len(thresholds), 1, 1, -1)
    widths = thresholds.shape[:-1]
    trailing = shape[len(shape) - len(widths) :]
    if any(t not in (1, n) for t, n in zip(widths, trailing, strict=True)):
        raise ModelError(
            f"its thresholds of shape {list(given.shape)} widen an input of shape {list(shape)}"
        )
    return thresholds.contiguous()


def _logic_dense(layer: Any, calls: Calls) -> Forward | None:
    """A dense layer of truth tables."""
    from lgnx.converters.torch_layers import as_bits, refuse_numbers
    from lgnx.torch import logic_dense

    refuse_numbers(calls)
    indices = _wires(layer, calls)
    tables = packed_tables(layer.parametrization, layer.weight, layer.lut_rank)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return logic_dense(as_bits(x), indices, tables).to(calls.output_dtype(x))

    return forward


def _wires(layer: Any, calls: Calls) -> torch.Tensor:
    """Input of each slot of each neuron, int32 [N, k]."""
    import torch

    connections = layer.connections
    numbers = torch.arange(layer.in_dim, device=layer.weight.device).unsqueeze(0)
    generator = torch.cuda if numbers.is_cuda else torch.random
    before = generator.get_rng_state()
    wires = connections(numbers)
    if not torch.equal(before, generator.get_rng_state()):
        # Candidates were drawn with noise. Without it they are what training made likeliest.
        connections.gumbel = False
        try:
            wires = connections(numbers)
        finally:
            connections.gumbel = True
        calls.examples.clear()
        version = importlib.metadata.version("torchlogix")
        calls.warnings.append(
            f"in torchlogix {version}, its connections are drawn anew for every batch, also in "
            "evaluation; exported with the likeliest ones"
        )
    return wires[0].T.to(torch.int32).contiguous()


def _group_sum(layer: Any, calls: Calls) -> Forward | None:
    """Counts by group, scaled as (count + beta) / tau."""
    from lgnx.converters.torch_scores import scaled_counts

    return scaled_counts(calls, int(layer.k), beta=float(layer.beta), tau=float(layer.tau))


ADAPTERS: dict[str, Adapter | None] = {
    "torchlogix.layers.binarization.DummyBinarization": None,
    "torchlogix.layers.binarization.FixedBinarization": _binarization,
    "torchlogix.layers.binarization.LearnableBinarization": _binarization,
    "torchlogix.layers.binarization.SoftBinarization": _binarization,
    "torchlogix.layers.conv._LogicConvNd": logic_conv,
    "torchlogix.layers.dense.LogicDense": _logic_dense,
    "torchlogix.layers.groupsum.GroupSum": _group_sum,
    "torchlogix.layers.pool.OrPooling2d": or_pool,
    "torchlogix.layers.pool.OrPooling3d": or_pool,
    "torchlogix.models.conv.CNN": None,
    "torchlogix.models.nn.RandomlyConnectedNN": None,
    "torchlogix.modules.resblock.ResidualLogicBlock": None,
}
"""What each layer becomes, by the class whose forward it runs; None where that is traced."""
