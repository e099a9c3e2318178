"""Which part of a module torch could not export."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["describe_failure", "following"]

_NODE = re.compile(r"Error when translating node %(\w+)")


@contextlib.contextmanager
def following(module: torch.nn.Module) -> Iterator[list[str]]:
    """Follow which parts of a module are running.

    Yields
    ------
    list
        Descriptions of the parts, the outermost first; after an error inside a forward they are
        those that had begun and not ended.
    """
    running: list[str] = []
    handles = []
    for name, part in module.named_modules():
        label = _label(name, type(part).__name__)

        def begin(part: Any, inputs: Any, label: str = label) -> None:
            running.append(label)

        def end(part: Any, inputs: Any, outputs: Any) -> None:
            running.pop()

        handles += [part.register_forward_pre_hook(begin), part.register_forward_hook(end)]
    try:
        yield running
    finally:
        for handle in handles:
            handle.remove()


def describe_failure(
    error: BaseException, program: torch.export.ExportedProgram | None, running: list[str]
) -> str:
    """Say which part of a module an error of torch's exporter comes from, and why.

    Parameters
    ----------
    error
        What torch raised.
    program
        What torch had traced; None if it failed before.
    running
        From `following`.
    """
    chain = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    place = running[-1] if program is None and running else None
    if program is not None:
        names = [found[1] for link in chain if (found := _NODE.search(str(link)))]
        place = _module_of(program, names[0]) if names else None
    reason = first_line(chain[-1])
    if "Constraints violated" in reason:
        reason = "its code depends on the batch size; give batch=N to export for one size"
    elif "data-dependent" in reason:
        reason = "its control flow depends on values"
    else:
        reason = f"{type(chain[-1]).__name__}: {reason}"
    return f"{place}: {reason}" if place else reason


def first_line(error: BaseException) -> str:
    """First line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")


def _module_of(program: torch.export.ExportedProgram, node_name: str) -> str | None:
    """Module that a node of the graph, or of its decomposed form, comes from."""
    with contextlib.suppress(Exception):  # a failed search must not hide the failure itself
        for graph in (program.graph, program.run_decompositions().graph):
            for node in graph.nodes:
                stack = list(node.meta.get("nn_module_stack", {}).values())
                # torch.onnx decomposes further: special_bessel_j0 here is bessel_j0 there.
                if stack and (node.name == node_name or node.name.endswith(f"_{node_name}")):
                    path, kind = stack[-1]
                    return _label(path, str(kind).rpartition(".")[2])
    return None


def _label(name: str, kind: str) -> str:
    return f"module {name!r} ({kind})" if name else f"the module itself ({kind})"
