"""Writes the files beside it; torchlogix 0.2.2 does so on Python 3.12 or later.

Which third of 24 bits has the most ones is learnt by two layers of gates and three counts.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchlogix.circuit import Circuit
from torchlogix.layers import GroupSum, LogicDense

HERE = Path(__file__).parent


def main() -> None:
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        LogicDense(24, 160, parametrization="raw"),
        LogicDense(160, 90, parametrization="raw"),
        GroupSum(3, 1.0),
    )
    bits = np.random.default_rng(0).random((4000, 24)) < 0.5
    x = torch.from_numpy(bits.astype(np.float32))
    y = torch.from_numpy(bits.reshape(-1, 3, 8).sum(axis=2).argmax(axis=1))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        chosen = torch.randint(0, len(x), (256,))
        loss = torch.nn.functional.cross_entropy(model(x[chosen]) / 3, y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        scores = model.eval()(x).numpy()
    print("accuracy", (scores.argmax(axis=1) == y.numpy()).mean())
    torch.save(model.state_dict(), HERE / "state.pt")
    np.savez_compressed(
        HERE / "samples.npz",
        x=np.packbits(bits[:500], axis=1),
        scores=scores[:500].astype(np.uint8),
    )
    Circuit.from_model(model, [24]).write_to_aiger_file(str(HERE / "network.aig"))


if __name__ == "__main__":
    main()
