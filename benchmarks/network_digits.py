"""DIGITS: the network that `lgnx demo` trains on scikit-learn's digits, behind its thermometer."""

from __future__ import annotations

import numpy as np
import onnx
from engines.interface import OUT
from networks import LayerNetwork
from onnx import numpy_helper
from rich.console import Console

FILE = OUT / "networks" / "DIGITS.npz"


def load() -> LayerNetwork:
    """Train it, or take the one that was trained before."""
    if not FILE.is_file():
        _train()
    with np.load(FILE) as kept:
        depth = len([name for name in kept.files if name.startswith("ids")])
        layers = tuple(
            tuple(kept[f"{part}{layer}"] for part in ("a", "b", "ids")) for layer in range(depth)
        )
        bits, accuracy = kept["bits"], float(kept["accuracy"])
    shape = [str(bits.shape[1]), f"{depth} × {len(layers[0][2]):,}", "10"]
    title = f"trained on digits ({accuracy:.1%} right), {' → '.join(shape)}"
    return LayerNetwork("DIGITS", title, bits.shape[1], 10, layers, bits)


def _train() -> None:
    import torch

    import lgnx
    from lgnx.verify.digits import train_digits

    with Console(stderr=True).status("training on scikit-learn's digits, half a minute"):
        trained = train_digits()
    images = np.concatenate([trained.x_test, trained.x_train])
    model = lgnx.export(trained.model, torch.zeros(2, 64))
    with torch.no_grad():
        bits = trained.model[0](torch.from_numpy(images)).numpy() > 0.5
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    dense = [node for node in model.graph.node if node.op_type == "LogicDense"]
    kept = {"bits": bits, "accuracy": trained.accuracy}
    for number, node in enumerate(dense):
        a, b, ids = _layer(node, constants)
        kept |= {f"a{number}": a, f"b{number}": b, f"ids{number}": ids}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(FILE, **kept)


def _layer(node: onnx.NodeProto, constants: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Wires, and tables as gate numbers."""
    indices, tables = constants[node.input[1]], constants[node.input[2]][:, 0].astype(np.int32)
    ids = (tables & 1) << 3 | (tables >> 1 & 1) << 1 | (tables >> 2 & 1) << 2 | tables >> 3 & 1
    return [np.ascontiguousarray(part, np.int32) for part in (indices[:, 0], indices[:, 1], ids)]
