"""The networks whose Verilog `hardware_peers.py` compares; trained ones are kept in benchmarks/out.

HEP is random. DIGITS-S and DIGITS-L are dense, CONV has a convolution and a pool; torchlogix trains
them on scikit-learn's digits, in seconds. DWN is one layer of look-up tables as torch_dwn has it,
trained on the same digits; torch_dwn itself computes on CUDA only.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from engines.interface import OUT
from engines.torchlogix import circuit_class, torch_model
from networks import network

import lgnx

NAMES = ("HEP", "DIGITS-S", "DIGITS-L", "CONV", "DWN-core", "DWN-regs")
FOLDER = OUT / "hardware"
SEED = 0


@dataclass(frozen=True)
class HardwareNetwork:
    """A network and what its Verilog answers.

    Attributes
    ----------
    name, title
        For files; for tables.
    n_inputs, shape, groups
        Values of a sample, as the torch layers want it; scores.
    answer
        ``"counts"`` of the groups, or the ``"class"`` of the largest.
    model
        As lgnx has it.
    reference
        Samples [n, n_inputs] to answers.
    data
        Samples; random ones where it is None.
    torch
        Makes the layers of torchlogix.
    checkpoint, word
        Of dwn2rtl: its dict; bits of a number and of its fraction where numbers go in, not bits.
    pipelined
        Registers behind encoder, tables, counts and class; combinational otherwise.
    encoder
        Whether thermometers are part of it.
    """

    name: str
    title: str
    n_inputs: int
    shape: tuple[int, ...]
    groups: int
    answer: str
    model: onnx.ModelProto
    reference: Callable[[np.ndarray], np.ndarray]
    data: np.ndarray | None = None
    torch: Callable[[], Any] | None = None
    checkpoint: dict[str, Any] | None = None
    word: tuple[int, int] | None = None
    pipelined: bool = False

    def samples(self, n: int) -> np.ndarray:
        """Give samples: half of them data, half of them random."""
        rng = np.random.default_rng(1)
        if self.word is None:
            random = rng.random((n, self.n_inputs)) < rng.random((n, 1))
        else:
            width, fraction = self.word
            random = rng.integers(-(1 << width - 1), 1 << width - 1, (n, self.n_inputs))
            random = (random / 2**fraction).astype(np.float32)
        if self.data is not None:
            random[::2] = np.resize(self.data, (len(random[::2]), self.n_inputs))
        return random


def load(name: str) -> HardwareNetwork:
    """Give the network of a name."""
    import torch

    torch.set_num_threads(
        1
    )  # layers of this size gain little from more, and lose where cores are shared
    if name == "HEP":
        net = network(name)
        torch_layers = functools.partial(torch_model, net)
        return _counted(name, net.title, (net.n_inputs,), torch_layers, None)
    if name.startswith("DWN"):
        return _dwn(name)
    return _torchlogix(name)


def _counted(
    name: str, title: str, shape: tuple[int, ...], make: Callable[[], Any], data: Any
) -> HardwareNetwork:
    """A network of torchlogix whose scores are counts; torch itself is the reference."""
    import torch

    module = make()
    example = torch.zeros(2, *shape, dtype=torch.bool)
    model = lgnx.export(make(), example)

    def reference(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            rows = torch.from_numpy(x.reshape(-1, *shape).astype(np.float32))
            return module(rows).numpy().astype(np.int64)

    groups = reference(np.zeros((1, int(np.prod(shape))), bool)).shape[1]
    return HardwareNetwork(
        name, title, int(np.prod(shape)), shape, groups, "counts", model, reference, data, make
    )


def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from lgnx.verify.digits import load_digits

    return load_digits()


def _layers(name: str) -> tuple[tuple[int, ...], Callable[[], Any]]:
    """Shape of a sample of bits, and a maker of untrained layers without the sum."""
    circuit_class()
    import torch
    from torchlogix.layers import LogicConv2d, LogicDense, OrPooling2d

    def dense(width: int) -> list[Any]:
        return [
            LogicDense(128, width, parametrization="warp"),
            LogicDense(width, width, parametrization="warp"),
        ]

    def convolution() -> list[Any]:
        return [
            LogicConv2d(in_dim=8, channels=1, num_kernels=12, tree_depth=2,
                        receptive_field_size=3, parametrization="warp"),
            OrPooling2d(kernel_size=2, stride=2, padding=0),
            torch.nn.Flatten(),
            LogicDense(12 * 3 * 3, 400, parametrization="warp"),
        ]  # fmt: skip

    return {
        "DIGITS-S": ((128,), lambda: dense(400)),
        "DIGITS-L": ((128,), lambda: dense(1200)),
        "CONV": ((1, 8, 8), convolution),
    }[name]


def _torchlogix(name: str) -> HardwareNetwork:
    import torch
    from torchlogix.layers import GroupSum

    shape, make_layers = _layers(name)
    x_train, y_train, x_test, y_test = _digits()
    bits = _bits_of(shape, x_train), _bits_of(shape, x_test)

    def module(tau: float) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return torch.nn.Sequential(*make_layers(), GroupSum(10, tau=tau))

    path = FOLDER / f"{name}.pt"
    if not path.is_file():
        trained = module(tau=6.0)
        _train(trained, bits[0], y_train)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(trained.state_dict(), path)

    def make() -> Any:
        made = module(tau=1.0)
        made.load_state_dict(torch.load(path, weights_only=True))
        return made.eval()

    with torch.no_grad():
        scores = make()(torch.from_numpy(bits[1].astype(np.float32)))
    right = float((scores.argmax(1).numpy() == y_test).mean())
    what = (
        "convolution, pool, 400 gates"
        if name == "CONV"
        else f"2 × {400 if name[-1] == 'S' else 1200:,} gates"
    )
    title = (
        f"torchlogix, digits ({right:.1%} right), {' × '.join(map(str, shape))} bits, {what} → 10"
    )
    data = bits[1].reshape(len(bits[1]), -1)
    return _counted(name, title, shape, make, data)


def _bits_of(shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    """Pixels as one bit each, or two one after the other."""
    if len(shape) == 3:
        return (x > 0.45).reshape(-1, *shape)
    return np.stack([x > 1 / 3, x > 2 / 3], axis=2).reshape(len(x), -1)


def _train(module: Any, bits: np.ndarray, y: np.ndarray, steps: int = 400) -> None:
    import torch

    x, labels = torch.from_numpy(bits.astype(np.float32)), torch.from_numpy(y)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.03)
    module.train()
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(steps):
        chosen = torch.randint(0, len(x), (128,), generator=generator)
        loss = torch.nn.functional.cross_entropy(module(x[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@functools.cache
def _dwn_checkpoint() -> dict[str, Any]:
    """Train 300 tables of six inputs on digits of three thresholds a pixel."""
    import torch

    x_train, y_train, x_test, y_test = _digits()
    # Thresholds where the pixels of the training images divide evenly, as DistributiveThermometer
    # has them; below the largest, so that the word of dwn2rtl holds what is above.
    thresholds = np.quantile(x_train, [0.25, 0.5, 0.75], axis=0, method="lower").T
    thresholds = np.clip(thresholds, 0, 14 / 16)
    z, n, tables = thresholds.shape[1], 6, 300
    generator = torch.Generator().manual_seed(SEED)
    mapping = torch.randint(0, 64 * z, (tables, n), generator=generator)
    path = FOLDER / "DWN.pt"
    bits = [
        torch.from_numpy((x[:, :, None] > thresholds).reshape(len(x), -1))
        for x in (x_train, x_test)
    ]
    weights = 1 << torch.arange(n)
    addresses = [(part[:, mapping].long() * weights).sum(2) for part in bits]
    if path.is_file():
        luts = torch.load(path, weights_only=True)
    else:
        luts = torch.nn.Parameter(torch.rand(tables, 2**n, generator=generator) * 2 - 1)
        optimizer = torch.optim.Adam([luts], lr=0.02)
        labels = torch.from_numpy(y_train)
        for _ in range(400):
            chosen = torch.randint(0, len(labels), (128,), generator=generator)
            entries = luts[torch.arange(tables), addresses[0][chosen]]
            # The straight-through estimator of DWN: hard values forward, their slope backward.
            hard = (entries > 0).float() + entries - entries.detach()
            scores = hard.reshape(-1, 10, tables // 10).sum(2) / 4
            loss = torch.nn.functional.cross_entropy(scores, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        luts = luts.detach()
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(luts, path)
    counted = (luts[torch.arange(tables), addresses[1]] > 0).reshape(-1, 10, tables // 10).sum(2)
    right = float((counted.argmax(1).numpy() == y_test).mean())
    return {
        "config": {"n": n, "num_classes": 10, "layers": [tables], "thermometer_bits": z},
        "state_dict": {"0.luts": luts, "0.mapping": mapping.int()},
        "thermometer": {"thresholds": torch.from_numpy(thresholds.astype(np.float32))},
        "results": {"final_acc": right},
        "run_name": "digits",
    }


def _dwn(name: str) -> HardwareNetwork:
    from dwn2rtl.extract import encode, extract_tables, extract_wiring, forward, quantize_thresholds
    from dwn2rtl.precision import precision_for

    from lgnx.converters.dwn2rtl import from_checkpoint

    checkpoint = _dwn_checkpoint()
    state, thresholds = checkpoint["state_dict"], checkpoint["thermometer"]["thresholds"].numpy()
    n, groups = checkpoint["config"]["n"], checkpoint["config"]["num_classes"]
    wiring, kind = extract_wiring(state, 0, n)
    layers = [(extract_tables(state, 0), wiring, kind)]
    precision = precision_for(thresholds)
    core, registers = "core" in name, name.endswith("regs")
    what = f"torch_dwn, digits ({checkpoint['results']['final_acc']:.1%} right), {len(wiring)} tables of {n} → class"  # noqa: E501
    what += ", bits in" if core else f", 64 numbers in ({precision.word_bits} bits)"
    what += ", registers" if registers else ""

    def classes(bits: np.ndarray) -> np.ndarray:
        found, _ = forward(bits.astype(np.uint8), layers, groups)
        return found.astype(np.int64)

    def from_numbers(x: np.ndarray) -> np.ndarray:
        codes = (x.astype(np.float64) * 2**precision.frac_bits).astype(np.int64)
        return classes(encode(codes, quantize_thresholds(thresholds, precision.frac_bits)))

    model = from_checkpoint(checkpoint)
    x_test = _digits()[2]
    n_inputs, data = 64, np.minimum(x_test, 15 / 16)
    if core:
        n_inputs = thresholds.size
        data = (x_test[:, :, None] > thresholds).reshape(len(x_test), -1)
        model = _bits_model(model, n_inputs)
    return HardwareNetwork(
        name, what, n_inputs, (n_inputs,), groups, "class", model,
        classes if core else from_numbers, data, None, checkpoint,
        None if core else (precision.word_bits, precision.frac_bits), registers,
    )  # fmt: skip


def _bits_model(model: onnx.ModelProto, n_inputs: int) -> onnx.ModelProto:
    """Cut the thermometer off: the bits become the input."""
    from onnx import TensorProto, helper

    nodes = list(model.graph.node)
    first = next(i for i, node in enumerate(nodes) if node.op_type == "LogicDense")
    graph = helper.make_graph(
        nodes[first:],
        model.graph.name,
        [
            helper.make_tensor_value_info(
                nodes[first].input[0], TensorProto.BOOL, ["batch", n_inputs]
            )
        ],
        list(model.graph.output),
        list(model.graph.initializer),
    )
    cut = helper.make_model(
        graph, opset_imports=list(model.opset_import), ir_version=model.ir_version
    )
    return cut
