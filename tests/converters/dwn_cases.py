"""What torch_dwn computes, written from its documented formulas, and networks to compute it for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def raw_layer(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Tables and connections of a live LUTLayer."""
    luts = layer.luts.detach().numpy()
    if hasattr(layer.mapping, "weights"):
        weights = layer.mapping.weights.detach().numpy()
        connections = np.array([int(np.argmax(column)) for column in weights.T])
        return luts, connections.reshape(luts.shape[0], -1)
    return luts, layer.mapping.detach().numpy()


def dense(bits: np.ndarray, luts: np.ndarray, mapping: np.ndarray) -> np.ndarray:
    """A layer, a neuron and a slot at a time: slot l is bit l of the address; above 0 is 1."""
    y = np.zeros((len(bits), len(luts)), bool)
    for neuron in range(len(luts)):
        address = np.zeros(len(bits), np.int64)
        for slot in range(mapping.shape[1]):
            address += bits[:, mapping[neuron, slot]] * 2**slot
        y[:, neuron] = luts[neuron][address] > 0
    return y


def thermometer(x: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Bits of every number one after another."""
    with np.errstate(invalid="ignore"):
        bits = x[..., None] > thresholds
    return bits.reshape(len(x), np.prod(bits.shape[1:], dtype=int))


def network(bits: np.ndarray, layers: Sequence[Any]) -> np.ndarray:
    """Bits before the sum."""
    for layer in layers:
        bits = dense(bits, *raw_layer(layer))
    return bits


def scores(bits: np.ndarray, k: int, tau: float = 1, randperm: Any = None) -> np.ndarray:
    """Counts of k groups, float32: bits in their order, then zeros that fill the groups."""
    if randperm is not None:
        bits = np.stack([bits[:, i] for i in np.asarray(randperm)], 1)
    while bits.shape[1] % k:
        bits = np.concatenate([bits, np.zeros((len(bits), 1), bool)], 1)
    size = bits.shape[1] // k
    counts = [bits[:, g * size : (g + 1) * size].sum(1) for g in range(k)]
    return np.stack(counts, 1).astype(np.float32) / np.float32(tau)


def write_blif(path: Path, n_inputs: int, layers: Sequence[Any], outputs: Sequence[int]) -> None:
    """Write layers as BLIF, an entry of a table at a time; output -1 is a 0."""
    lines = [".model dwn", ".inputs " + " ".join(f"x{i}" for i in range(n_inputs))]
    lines.append(".outputs " + " ".join(f"y{i}" for i in range(len(outputs))))
    source = "x"
    for number, layer in enumerate(layers):
        luts, mapping = raw_layer(layer)
        for neuron, (entries, sources) in enumerate(zip(luts, mapping, strict=True)):
            nets = [f"{source}{i}" for i in sources]
            ones = [address for address, entry in enumerate(entries) if entry > 0]
            # A table without rows has no inputs either, as ABC wants it.
            lines.append(f".names {' '.join(nets if ones else [])} l{number}_{neuron}")
            for address in ones:
                word = "".join(str(address >> slot & 1) for slot in range(len(nets)))
                lines.append(f"{word} 1")
        source = f"l{number}_"
    for i, output in enumerate(outputs):
        lines.append(f".names y{i}" if output < 0 else f".names {source}{output} y{i}\n1 1")
    path.write_text("\n".join([*lines, ".end", ""]))


def corners(x: np.ndarray, thresholds: np.ndarray) -> list[np.ndarray]:
    """Batches of 0, 1, 63, 64, 65 and more: numbers on thresholds, just above, not a number."""
    flat = np.broadcast_to(thresholds, (*x.shape[1:], thresholds.shape[-1]))
    on = np.moveaxis(flat, -1, 0).astype(x.dtype)
    batches = [x[:n] for n in (0, 1, 63, 64, 65)]
    batches += [np.zeros_like(x[:3]), np.ones_like(x[:3]), on]
    if x.dtype.kind == "f":
        batches += [np.nextafter(on, x.dtype.type(np.inf)), np.full_like(x[:2], np.nan)]
        batches += [np.full_like(x[:2], np.inf), np.full_like(x[:2], -np.inf)]
    return batches


def digits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images of digits and their classes, to train with and to test with."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(x))
    x, y = x[order].astype(np.float32), y[order]
    return x[:1200], y[:1200], x[1200:], y[1200:]


def counted_tables(
    bits: np.ndarray, classes: np.ndarray, n: int, each: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Train a layer for digits by counting, as weightless networks were first trained.

    A neuron of class g reads n bits drawn at random. Its entry at an address is above 0 where
    images of class g have that address more often than others.
    """
    mapping = rng.integers(0, bits.shape[1], (10 * each, n)).astype(np.int32)
    luts = np.zeros((10 * each, 2**n), np.float32)
    for neuron, sources in enumerate(mapping):
        address = bits[:, sources] @ (1 << np.arange(n))
        own = classes == neuron // each
        hits = np.bincount(address[own], minlength=2**n) / own.sum()
        others = np.bincount(address[~own], minlength=2**n) / (~own).sum()
        luts[neuron] = hits - others
    return luts, mapping


def scaled_network(
    torch_dwn: Any, n: int = 6, learned: bool = True, groups: Any = None, z: int = 3
) -> Any:
    """Raw samples, their scaler, a thermometer fitted on what it gives, and a network."""
    import torch
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(n)
    raw = rng.normal(5, 3, (300, 5)) * [1, 10, 0.1, 5, 40]
    scaler = StandardScaler().fit(raw)
    encoder = torch_dwn.DistributiveThermometer(z).fit(
        torch.tensor(scaler.transform(raw), dtype=torch.float32)
    )
    module = torch.nn.Sequential(
        torch_dwn.LUTLayer(5 * z, 60, n=n, mapping="learnable" if learned else "random"),
        torch_dwn.LUTLayer(60, 40, n=n),
        groups or torch_dwn.GroupSum(4, tau=1 / 0.3),
    )
    return raw, scaler, encoder, module
