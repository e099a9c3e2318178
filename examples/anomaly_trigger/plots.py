"""Pictures of the images, of the scores, and of how well signals are found."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from sklearn.metrics import roc_curve

mpl.use("Agg")
from matplotlib import pyplot as plt

__all__ = ["plot_images", "plot_roc", "plot_scores"]

Samples = dict[str, np.ndarray]
"""By name, zero bias first."""


def plot_images(images: Samples, path: Path) -> None:
    """One image [PHI, ETA] of each kind."""
    figure, axes = plt.subplots(1, len(images), figsize=(2.2 * len(images), 3), sharey=True)
    for axis, (name, image) in zip(axes, images.items(), strict=True):
        shown = axis.imshow(image / 2, origin="lower", cmap="viridis", vmax=60, aspect="auto")
        axis.set(title=name, xlabel="η region")
    axes[0].set_ylabel("φ region")
    figure.colorbar(shown, ax=axes, label="transverse energy [GeV]")
    _save(figure, path)


def plot_scores(scores: Samples, threshold: float, path: Path) -> None:
    """How often each score of the student is given."""
    figure, axis = plt.subplots(figsize=(6, 4))
    bins = np.linspace(*np.quantile(np.concatenate(list(scores.values())), [0, 1]), 60)
    for name, values in scores.items():
        axis.hist(values, bins, histtype="step", density=True, label=name)
    axis.axvline(threshold, color="black", linestyle=":", label="trigger")
    axis.set(xlabel="score of the student", ylabel="part of the events / score", yscale="log")
    axis.legend(fontsize="small")
    _save(figure, path)


def plot_roc(teacher: Samples, before: Samples, after: Samples, rate: float, path: Path) -> None:
    """Curves of the teacher, of the student in torch, and of its RTL, for each signal."""
    background, *signals = before
    figure, axes = plt.subplots(1, len(signals), figsize=(3 * len(signals), 3.2), sharey=True)
    styles = [
        ("teacher", teacher, {"color": "gray", "linewidth": 1}),
        ("student, torch", before, {"color": "tab:blue", "linewidth": 4, "alpha": 0.4}),
        ("student, RTL", after, {"color": "tab:red", "linewidth": 1, "linestyle": "--"}),
    ]
    for axis, signal in zip(np.atleast_1d(axes), signals, strict=True):
        for label, scores, style in styles:
            pair = [scores[background], scores[signal]]
            truth = np.repeat([0, 1], [len(part) for part in pair])
            false, true, _ = roc_curve(truth, np.concatenate(pair))
            axis.plot(false, true, label=label, **style)
        axis.axvline(rate, color="black", linestyle=":", linewidth=1, label="trigger")
        lowest = 1 / len(before[background])
        axis.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.02), title=signal)
        axis.set_xlabel("part of zero bias that passes")
    np.atleast_1d(axes)[0].set_ylabel("part of the signal that passes")
    np.atleast_1d(axes)[0].legend(fontsize="small")
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
