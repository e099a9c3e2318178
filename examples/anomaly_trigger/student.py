"""The student: a logic gate network that learns the teacher's scores."""

from __future__ import annotations

import numpy as np
import torch
from events import ETA, PHI
from teacher import Progress
from torch import nn

from lgnx.converters.torchlogix import import_torchlogix

__all__ = ["Student", "train_student"]

tl = import_torchlogix().layers  # works where Python is older than 3.12, too

WINDOW = 3  # regions
BATCH, LEARNING_RATE = 128, 0.02
SOFT = 0.6  # part of the steps with soft gates, before each computes with its likeliest table


class Student(nn.Module):
    """Thermometer, trees of gates that slide over the image, layers of gates, a count.

    Parameters
    ----------
    thresholds
        float32 [B], in steps of transverse energy; the same ones for all regions.
    low, high
        The scores that no and all ones among the last gates stand for.
    kernels
        Trees at each place.
    widths
        Gates of each layer behind them.
    """

    def __init__(
        self,
        thresholds: torch.Tensor,
        low: float,
        high: float,
        kernels: int,
        widths: tuple[int, ...],
    ):
        super().__init__()
        gates = {"parametrization": "warp"}
        # The detector is round: the first rows follow the last ones.
        rows = PHI + WINDOW - 1
        self.thermometer = tl.FixedBinarization(thresholds[None], feature_dim=1)
        parts: list[nn.Module] = [
            tl.LogicConv2d(
                (rows, ETA), len(thresholds), kernels, 2, receptive_field_size=WINDOW, **gates
            ),
            tl.OrPooling2d(2, 2),
            nn.Flatten(),
        ]
        inputs = kernels * (PHI // 2) * ((ETA - WINDOW + 1) // 2)
        for width in widths:
            parts.append(tl.LogicDense(inputs, width, **gates))
            inputs = width
        tau = inputs / (high - low)
        parts.append(tl.GroupSum(1, tau=tau, beta=low * tau))
        self.layers = nn.Sequential(*parts)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores [B, 1] of images [B, 1, PHI, ETA]."""
        bits = self.thermometer(images)
        return self.layers(torch.cat([bits, bits[:, :, : WINDOW - 1]], dim=2))

    @torch.no_grad()
    def scores(self, images: np.ndarray) -> np.ndarray:
        """Scores float32 [n, 1] of images [n, PHI, ETA], with the gates that training chose."""
        self.eval()
        parts = torch.from_numpy(images).float().unsqueeze(1).split(1024)
        return torch.cat([self(part) for part in parts]).numpy()


def train_student(
    student: Student,
    images: np.ndarray,
    scores: np.ndarray,
    low: float,
    high: float,
    steps: int,
    progress: Progress = lambda *_: None,
) -> None:
    """Train on images [n, PHI, ETA] and what the teacher gave them."""
    data = torch.from_numpy(images).float().unsqueeze(1)
    wanted = torch.from_numpy(scores).clamp(low, high)
    student.train()
    optimizer = torch.optim.Adam(student.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for step in range(1, steps + 1):
        if step == int(SOFT * steps) + 1:
            for module in student.modules():
                if hasattr(module, "forward_sampling"):
                    module.forward_sampling = "hard"
        chosen = torch.randint(len(data), (BATCH,))
        loss = (student(data[chosen])[:, 0] - wanted[chosen]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress(step, steps, loss.item())
