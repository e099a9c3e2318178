"""The teacher: an autoencoder that has seen zero bias only, so that it fails on anything else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from events import ETA, PHI
from torch import nn

__all__ = ["Teacher", "train_teacher"]

Progress = Callable[[int, int, float], None]
"""Called with the number of the step from 1, the number of steps, and the loss."""

BATCH, LEARNING_RATE = 256, 2e-3


class Teacher(nn.Module):
    """Compresses an image to a few numbers and tells how far the reconstruction is off.

    Energies enter as their square roots: their fluctuations are then about alike, whatever the
    energy.
    """

    def __init__(self, channels: int = 12, latent: int = 24):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(channels * (PHI // 2) * (ETA // 2), latent),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, channels * (PHI // 2) * (ETA // 2)),
            nn.ReLU(),
            nn.Unflatten(1, (channels, PHI // 2, ETA // 2)),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(channels, 1, 3, padding=1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Mean square error [B] of the reconstruction of images [B, PHI, ETA]."""
        x = images.sqrt().unsqueeze(1)
        return (self.decoder(self.encoder(x)) - x).square().mean((1, 2, 3))

    @torch.no_grad()
    def scores(self, images: np.ndarray) -> np.ndarray:
        """Logarithms float32 [n] of the errors on images [n, PHI, ETA]: larger is odder."""
        self.eval()
        parts = torch.from_numpy(images).float().split(4096)
        return torch.cat([self(part).log() for part in parts]).numpy()


def train_teacher(images: np.ndarray, steps: int, progress: Progress = lambda *_: None) -> Teacher:
    """Train on zero bias, images [n, PHI, ETA]."""
    data = torch.from_numpy(images).float()
    teacher = Teacher()
    optimizer = torch.optim.Adam(teacher.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for step in range(1, steps + 1):
        loss = teacher(data[torch.randint(len(data), (BATCH,))]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        progress(step, steps, loss.item())
    return teacher
