"""A small logic gate network for scikit-learn's handwritten digits, trained in a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from lgnx.ops.errors import require

if TYPE_CHECKING:
    import torch

__all__ = ["Trained", "load_digits", "make_model", "train_digits"]

BITS = 2  # thresholds for each pixel
WIDTHS = (3000, 3000)  # gates in each layer
TAU = 8.0
STEPS = 500
QUICK_STEPS = 60
BATCH = 128
LEARNING_RATE = 0.03

Progress = Callable[[int, int, float, float], None]
"""Called after every step with its number from 1, the number of steps, the loss, and the accuracy
on the step's samples with soft gates."""


@dataclass(frozen=True)
class Trained:
    """A trained classifier and its data.

    Attributes
    ----------
    model
        Gives scores [B, 10] for images [B, 64]; in evaluation mode.
    x_train, x_test
        float32 [n, 64]; pixels k/16, 0 <= k <= 16.
    y_train, y_test
        int64 [n]; the digits.
    accuracy
        Part of the test images that the discrete network gets right.
    """

    model: torch.nn.Sequential
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    accuracy: float


def load_digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give x_train, y_train, x_test, y_test, always split alike: three quarters and one quarter."""
    datasets = require("sklearn.datasets", extra="demo")
    selection = require("sklearn.model_selection", extra="demo")
    digits = datasets.load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target.astype(np.int64)
    x_train, x_test, y_train, y_test = selection.train_test_split(
        x, y, test_size=0.25, random_state=0, stratify=y
    )
    return x_train, y_train, x_test, y_test


def make_model() -> torch.nn.Sequential:
    """Make the untrained network: thermometer, two layers of gates, group sum."""
    from lgnx.converters.torchlogix import import_torchlogix

    torch = require("torch", extra="torch")
    import_torchlogix()
    layers = require("torchlogix.layers", extra="torch")
    thresholds = torch.arange(1, BITS + 1) / (BITS + 1)
    parts: list[Any] = [layers.LearnableBinarization(thresholds.repeat(64, 1))]
    inputs = 64 * BITS
    for width in WIDTHS:
        # Walsh coefficients: 4 numbers a gate to train, where "raw" has 16.
        parts.append(layers.LogicDense(inputs, width, parametrization="warp"))
        inputs = width
    return torch.nn.Sequential(*parts, layers.GroupSum(10, tau=TAU))


@contextmanager
def _one_thread(torch: ModuleType) -> Iterator[None]:
    """Let torch compute in one thread.

    Sums then do not depend on the number of cores, and layers of this size gain little from a
    second core but lose much where cores are shared.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train_digits(
    *, quick: bool = False, progress: Progress | None = None, seed: int = 0
) -> Trained:
    """Train the network; the same seed gives the same network on the same machine.

    Parameters
    ----------
    quick
        Take few steps, at the cost of accuracy.
    progress
        Told of every step.
    seed
        Of wiring, start and batches. torch's own random state is left as it is.

    Raises
    ------
    MissingExtraError
        If torch, torchlogix or scikit-learn is not installed.
    """
    torch = require("torch", extra="torch")
    x_train, y_train, x_test, y_test = load_digits()
    images, labels = torch.from_numpy(x_train), torch.from_numpy(y_train)
    steps = QUICK_STEPS if quick else STEPS
    with torch.random.fork_rng(devices=[]), _one_thread(torch):
        torch.manual_seed(seed)
        model = make_model().train()
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
        # Ends with small steps, so that the soft gates settle near the discrete ones.
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
        for step in range(1, steps + 1):
            chosen = torch.randint(0, len(images), (BATCH,))
            scores = model(images[chosen])
            loss = torch.nn.functional.cross_entropy(scores, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                right = (scores.argmax(1) == labels[chosen]).float().mean()
                progress(step, steps, loss.item(), right.item())
    model.eval()
    with torch.no_grad():
        classes = model(torch.from_numpy(x_test)).argmax(1).numpy()
    accuracy = float((classes == y_test).mean())
    return Trained(model, x_train, y_train, x_test, y_test, accuracy)
