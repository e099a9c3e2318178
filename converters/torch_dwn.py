"""Networks of torch_dwn: live modules, pickled modules, and state dicts with a spec.

torch_dwn's layers run on GPUs only. Here they are read, or, inside another module that is exported,
run by `running` on whatever machine this is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from lgnx.converters.checkpoint import Stub, checkpoint_head, find_state, load_checkpoint
from lgnx.converters.formats import Format, Option
from lgnx.converters.network_spec import Layer, Spec, missing_spec, read_spec
from lgnx.converters.torch_dwn_layers import (
    Groups,
    Tables,
    groups_of,
    layers_of,
    ordered,
    tables_of,
)
from lgnx.converters.torch_dwn_model import NUMBERS, network_model, thresholds_for, thresholds_of
from lgnx.metadata import SOURCE_FORMAT, TRAINING_TOOL
from lgnx.ops.errors import InputError, LgnxError, ModelError

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torch_layers import Adapter, Calls, Forward

__all__ = ["ADAPTERS", "FORMAT", "from_modules", "running"]

_MODULES = ("model", "net", "network")
_FIELDS = {
    "thermometer": {"thresholds", "strict"},
    "logic_dense": {"k", "inputs", "indices", "ste"},
    "flatten": set(),
    "group_sum": {"groups", "tau", "permutation"},
}


# ------------------------------------------------------------------------------ what is read


def from_modules(
    module: Any,
    thermometer: Any = None,
    *,
    dtype: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    """Turn modules of torch_dwn into a model, without running them.

    Parameters
    ----------
    module
        A ``torch.nn.Sequential`` of LUTLayer and GroupSum, or one LUTLayer.
    thermometer
        The fitted thermometer, or its thresholds [..., z]. None if the model's input is the bits.
    dtype
        Type of the numbers that the model reads; None for the type of the thresholds.
    metadata
        Entries to add to the model's metadata.

    Returns
    -------
    onnx.ModelProto
        Reads ``x``; gives ``scores`` float32 [batch, k], or ``y`` bool without a GroupSum.

    Raises
    ------
    ModelError
        If the modules hold something else, or do not fit each other or the thresholds.
    InputError
        If there is no such type.
    """
    thresholds, strict = _thresholds(thermometer, dtype)
    entries = {TRAINING_TOOL: "torch_dwn", **(metadata or {})}
    return network_model(layers_of(module), thresholds, strict=strict, metadata=entries)


def _thresholds(thermometer: Any, dtype: str | None) -> tuple[np.ndarray | None, bool]:
    if dtype is not None and dtype not in NUMBERS:
        raise InputError(f"dtype is {dtype!r}, must be one of {', '.join(NUMBERS)}")
    if thermometer is None:
        return None, True
    given = thresholds_of(thermometer)
    return thresholds_for(given, np.dtype(dtype or given.dtype))


def _read(
    path: Path,
    spec: Path | None = None,
    thermometer: Path | None = None,
    dtype: str | None = None,
) -> onnx.ModelProto:
    loaded = load_checkpoint(path)
    encoder = None if thermometer is None else _from_file(thermometer)
    if encoder is None and isinstance(loaded, Mapping):
        encoder = loaded.get("thermometer")
    source = {SOURCE_FORMAT: "torch_dwn"}
    if spec is not None:
        described = read_spec(spec, "torch_dwn", _FIELDS)
        if dtype is not None:
            raise InputError(f"{spec} says the type of the input; leave the option dtype out")
        if thermometer is not None and described.layers[0].kind != "thermometer":
            raise InputError(f"{spec} has no layer for the thermometer of {thermometer}")
        return _described(path, described, loaded, encoder, source)
    try:
        module = _module(loaded)
        if module is None:
            raise _incomplete(find_state(loaded))
        return from_modules(module, encoder, dtype=dtype, metadata=source)
    except InputError:
        raise
    except LgnxError as error:
        raise ModelError(f"{path}: {error}") from None


def _module(loaded: Any) -> Any:
    """The whole module that a checkpoint holds, or None."""
    if isinstance(loaded, Stub):
        return loaded
    held = [loaded.get(key) for key in _MODULES] if isinstance(loaded, Mapping) else []
    return next((value for value in held if isinstance(value, Stub)), None)


def _from_file(path: Path) -> Any:
    """Thresholds from an .npy file, or a thermometer or tensor that torch saved."""
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
    except Exception as error:  # numpy raises what its parsers do
        raise ModelError(f"{path}: is no array of numbers: {error}") from None
    return load_checkpoint(path)


def _incomplete(state: Mapping[str, Any]) -> ModelError:
    """Say that a state dict alone is no network, with a spec to complete."""
    names = [key.removesuffix(".luts") for key in state if key.endswith(".luts")]
    if not names:
        return ModelError("has no layers of torch_dwn, which hold tensors called luts")
    dense = [("logic_dense", f"state: {name!r}".replace("'", '"'), "") for name in names]
    return missing_spec(
        "is a state dict, which has neither the thermometer nor the number of classes",
        "torch_dwn 1.1.1",
        [
            ("thermometer", "thresholds: thresholds.npy", "[features, z], or a nested list"),
            *dense,
            ("group_sum", "groups: TODO, tau: TODO", "permutation: [...], if it has a randperm"),
        ],
    )


# -------------------------------------------------------------------------------- with a spec


def _described(
    path: Path, spec: Spec, loaded: Any, encoder: Any, source: Mapping[str, Any]
) -> onnx.ModelProto:
    """Make the model of a state dict and its spec."""
    state = find_state(loaded)
    layers: list[Tables | Groups] = []
    thresholds, strict = None, True
    for layer in spec.layers:
        for name in layer.fields:
            if name not in _FIELDS[layer.kind]:
                raise layer.error("torch_dwn has nothing of this kind", name)
        try:
            if layer.kind == "thermometer":
                if layers or thresholds is not None:
                    raise layer.error("must be the first layer")
                thresholds, strict = _described_thresholds(layer, spec, encoder)
            elif layer.kind == "logic_dense":
                layers.append(_described_tables(layer, state))
            elif layer.kind == "group_sum":
                order = layer.get("permutation")
                layers.append(
                    groups_of(layer.state, layer.get("groups"), layer.get("tau", 1.0), order)
                )
        except ModelError as error:
            raise error if str(error).startswith(layer.place) else layer.error(str(error)) from None
    metadata = {**source, **spec.metadata()}
    try:
        return network_model(layers, thresholds, strict=strict, shape=spec.shape, metadata=metadata)
    except ModelError as error:
        raise ModelError(f"{path} with {spec.path}: {error}") from None


def _described_thresholds(layer: Layer, spec: Spec, encoder: Any) -> tuple[np.ndarray | None, bool]:
    given = layer.get("thresholds")
    if not layer.get("strict", True):
        raise layer.error("torch_dwn's bits are x > t; must be true", "strict")
    if isinstance(given, str):
        if encoder is None:
            raise layer.error(
                "the checkpoint has no thermometer; give the thresholds here, or a file with the "
                "thermometer",
                "thresholds",
            )
        given = encoder
    elif spec.dtype.startswith("float"):  # decimal numbers stand for those that the type has
        given = given.astype(spec.dtype)
    if spec.dtype not in NUMBERS:
        raise layer.error(f"reads numbers, but the input's dtype is {spec.dtype}")
    return _thresholds(given, spec.dtype)


def _described_tables(layer: Layer, state: Mapping[str, Any]) -> Tables:
    prefix = f"{layer.state}." if layer.state else ""
    tensors = {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
    if layer.get("indices") is not None:
        tensors = {"luts": tensors["luts"]} if "luts" in tensors else {}
        tensors["mapping"] = layer.get("indices")
    read = tables_of(layer.state, tensors, layer.get("inputs"), layer.get("ste", True))
    k = read.indices.shape[1]
    if layer.get("k", k) != k:
        raise layer.error(f"is {layer.get('k')}, but the tables have {k} inputs", "k")
    if layer.get("inputs", read.n_inputs) != read.n_inputs:
        raise layer.error(
            f"is {layer.get('inputs')}, but the layer reads {read.n_inputs} bits", "inputs"
        )
    return read


# ------------------------------------------------------------------- live, in other modules


@contextmanager
def running(module: torch.nn.Module) -> Iterator[None]:
    """Let torch_dwn's layers run on a CPU, where they raise by themselves."""
    home = sys.modules.get("torch_dwn.lut_layer")
    if home is None:
        yield
        return
    function = home.EFDFunction
    own = vars(function)["forward"]

    def forward(ctx: Any, x: torch.Tensor, mapping: Any, luts: Any, *rest: Any) -> torch.Tensor:
        if x.is_cuda:
            return own.__func__(ctx, x, mapping, luts, *rest)
        return _lookup(x, mapping, luts)

    function.forward = staticmethod(forward)
    try:
        yield
    finally:
        function.forward = own


def _lookup(x: torch.Tensor, mapping: torch.Tensor, luts: torch.Tensor) -> torch.Tensor:
    """What torch_dwn's kernel computes: bit l of the address is input ``mapping[:, l] > 0``."""
    import torch

    address = torch.zeros((len(x), len(luts)), dtype=torch.int64)
    for slot, sources in enumerate(mapping.long().T):
        address |= (x[:, sources] > 0).long() << slot
    return luts.detach()[torch.arange(len(luts)), address]


def _as_positive(x: torch.Tensor, calls: Calls) -> torch.Tensor:
    """Bits that a layer takes numbers for: whether they are above 0."""
    from lgnx.converters.torch_layers import as_bits

    return as_bits(x) if calls.odd_value is None else x > 0


def _lut_layer(layer: Any, calls: Calls) -> Forward | None:
    """A layer of tables."""
    import torch

    from lgnx.torch import logic_dense

    [read] = layers_of(layer, by_name=True)
    assert isinstance(read, Tables)
    if not read.is_bits:
        raise ModelError("was made with ste=False, so it gives the numbers of its tables, not bits")
    device = layer.luts.device
    indices = torch.from_numpy(read.indices).to(device)
    tables = torch.from_numpy(read.tables).to(device)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return logic_dense(_as_positive(x, calls), indices, tables).to(calls.output_dtype(x))

    return forward


def _group_sum(layer: Any, calls: Calls) -> Forward | None:
    """Counts by group, of bits in an order, divided by tau."""
    import torch

    from lgnx.converters.torch_layers import as_bits
    from lgnx.converters.torch_scores import scaled_counts
    from lgnx.torch import logic_dense

    [read] = layers_of(layer, by_name=True)
    assert isinstance(read, Groups)
    counted = scaled_counts(calls, read.groups, beta=0.0, tau=read.tau)
    widths = {shape[-1] for _, shape in calls.outputs}
    if counted is None or len(widths) != 1:
        return counted
    [width] = widths
    order, present = ordered(read, width)
    if present.all() and np.array_equal(order, np.arange(width)):
        return counted
    # Tables of one input put the bits in order: x itself, and 0 for those that are added.
    indices = torch.from_numpy(order[:, None].astype(np.int32))
    tables = torch.from_numpy(np.where(present, 0b10, 0)[:, None].astype(np.uint8))

    def forward(x: torch.Tensor) -> torch.Tensor:
        bits = logic_dense(as_bits(x), indices.to(x.device), tables.to(x.device))
        return counted(bits.to(x.dtype))

    return forward


def _ste(layer: Any, calls: Calls) -> Forward | None:
    """Whether numbers are above 0."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        return _as_positive(x, calls).to(calls.output_dtype(x))

    return forward


def _learnable_mapping(layer: Any, calls: Calls) -> Forward | None:
    """A choice of inputs."""
    chosen = layer.weights.detach().argmax(0)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return x[:, chosen]

    return forward


ADAPTERS: dict[str, Adapter | None] = {
    "torch_dwn.lut_layer.LUTLayer": _lut_layer,
    "torch_dwn.mapping.LearnableMapping": _learnable_mapping,
    "torch_dwn.utils.GroupSum": _group_sum,
    "torch_dwn.utils.STE": _ste,
}
"""What each layer becomes, by the class whose forward it runs."""


def _is_checkpoint(path: Path) -> bool:
    head = checkpoint_head(path)
    of_dwn2rtl = b"thermomet" in head and (b"config" in head or b"model" in head)
    return (b"torch_dwn" in head or b".luts" in head) and not of_dwn2rtl


FORMAT = Format(
    name="torch_dwn",
    title="checkpoints of torch_dwn: weightless networks, whole modules or state dicts",
    suffixes=(".pt", ".pth", ".ckpt"),
    read=_read,
    read_options=(
        Option("spec", Path, None, "YAML file that says what a state dict does not"),
        Option("thermometer", Path, None, "the thermometer as torch saved it, or thresholds .npy"),
        Option("dtype", str, None, "type of the model's input, without a spec", NUMBERS),
    ),
    reads="Thermometer, a LogicDense for each layer, GroupSum",
    extra="torch",
    python="lgnx.converters.torch_dwn.from_modules(module, thermometer)",
    sniff=_is_checkpoint,
)
