"""Layers of difflogic as `lgnx.ops` operators.

difflogic imports its CUDA extension, which most machines that only run or convert a network cannot
build. `import_difflogic` puts a stand-in there: layers are then made, loaded, run by their Python
implementation and exported on any machine.

A layer's connections are its attribute ``indices``, its tables are what difflogic's own function
gives for the gates of the largest weights at every address, and what the layer was seen to compute
is compared with the operator at export.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from lgnx.converters.difflogic_checkpoint import is_checkpoint, read_checkpoint
from lgnx.converters.formats import Format, Option
from lgnx.ops.errors import MissingExtraError, ModelError, ToolError
from lgnx.ops.tables import pack_tables

if TYPE_CHECKING:
    import torch

    from lgnx.converters.torch_layers import Adapter, Calls, Forward

__all__ = ["ADAPTERS", "FORMAT", "import_difflogic", "running", "stand_in_for_cuda"]

_CUDA = "difflogic_cuda"


class _NoCuda(ModuleType):
    """Stands in for difflogic's CUDA extension: whatever is called says that it is missing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*args: Any, **kwargs: Any) -> NoReturn:
            raise ToolError(
                f"{_CUDA}.{name}: difflogic's CUDA extension is not installed here; on a CPU, "
                "LogicLayer(..., device='cpu', implementation='python') computes the same"
            )

        return missing


def import_difflogic() -> ModuleType:
    """Import difflogic, also where its CUDA extension is missing or does not load.

    Raises
    ------
    MissingExtraError
        If difflogic is not installed.
    """
    stand_in_for_cuda()
    try:
        return importlib.import_module("difflogic")
    except ModuleNotFoundError as error:
        if error.name != "difflogic":
            raise
        raise MissingExtraError(
            "this needs the package 'difflogic', which is not installed; its setup needs a CUDA "
            "compiler, but its Python files alone on the path are enough here"
        ) from None


def stand_in_for_cuda() -> None:
    """Make ``import difflogic`` work: put a stand-in for its extension where there is none."""
    if _CUDA in sys.modules:
        return
    try:
        importlib.import_module("torch")  # whose libraries the extension is linked with
        importlib.import_module(_CUDA)
    except ImportError:
        sys.modules[_CUDA] = _NoCuda(_CUDA, "Stands in for difflogic's CUDA extension.")


@contextmanager
def running(module: torch.nn.Module) -> Iterator[None]:
    """Get the layers of a module to run where it is, without what they print.

    Layers made for CUDA whose weights are on a CPU use the Python implementation for the time.
    """
    layers: list[Any] = [part for part in module.modules() if _is_layer(part)]
    homes = {sys.modules[cls.__module__] for part in layers for cls in _own_classes(part)}
    before = [(part, part.indices, part.implementation) for part in layers]
    for home in homes:
        vars(home)["print"] = _silent
    try:
        for part in layers:
            device = part.weights.device
            part.indices = tuple(index.to(device) for index in part.indices)
            if device.type == "cpu":
                part.implementation = "python"
        yield
    finally:
        for home in homes:
            vars(home).pop("print", None)
        for part, indices, implementation in before:
            part.indices, part.implementation = indices, implementation


def _silent(*args: Any, **kwargs: Any) -> None:
    """Take the place of `print`."""


def _own_classes(part: Any) -> list[type]:
    return [cls for cls in type(part).__mro__ if cls.__module__.split(".")[0] == "difflogic"]


def _is_layer(part: Any) -> bool:
    return any(cls.__name__ == "LogicLayer" for cls in _own_classes(part))


def _logic_layer(layer: Any, calls: Calls) -> Forward | None:
    """A dense layer of gates of two inputs."""
    import torch

    from lgnx.converters.torch_layers import as_bits, refuse_numbers
    from lgnx.torch import logic_dense

    refuse_numbers(calls)
    weights, home = layer.weights.detach(), importlib.import_module("difflogic.functional")
    if not torch.isfinite(weights).all():
        raise ModelError("its weights are not all finite, so they choose no gates")
    chosen = torch.nn.functional.one_hot(weights.argmax(-1), 16).to(torch.float32)
    address = torch.arange(4, device=weights.device)
    a, b = ((address >> slot & 1).float()[:, None].expand(4, len(weights)) for slot in (0, 1))
    outputs = home.bin_op_s(a, b, chosen).T.bool().cpu().numpy()
    tables = torch.from_numpy(pack_tables(outputs)).to(weights.device)
    indices = torch.stack(tuple(layer.indices), dim=1).to(torch.int32).contiguous()

    def forward(x: torch.Tensor) -> torch.Tensor:
        return logic_dense(as_bits(x), indices, tables).to(calls.output_dtype(x))

    return forward


def _group_sum(layer: Any, calls: Calls) -> Forward | None:
    """Counts by group, divided by tau."""
    from lgnx.converters.torch_scores import scaled_counts

    return scaled_counts(calls, int(layer.k), beta=0.0, tau=float(layer.tau))


ADAPTERS: dict[str, Adapter | None] = {
    "difflogic.difflogic.LogicLayer": _logic_layer,
    "difflogic.difflogic.GroupSum": _group_sum,
}
"""What each layer becomes, by the class whose forward it runs."""


FORMAT = Format(
    name="difflogic",
    title="networks of difflogic: live modules, pickled modules, state dicts with a spec",
    suffixes=(".pt", ".pth"),
    read=read_checkpoint,
    read_options=(
        Option("spec", Path, None, "YAML file with the connections, which a state dict lacks"),
    ),
    reads="a LogicDense for each layer, GroupSum",
    extra="torch",
    python="lgnx.export(module, sample)",
    sniff=is_checkpoint,
)
