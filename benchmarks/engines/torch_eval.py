"""torchlogix in torch: the model in evaluation mode, as one validates it while training."""

from __future__ import annotations

import numpy as np
from networks import Network

from engines.interface import Engine, Ready
from engines.torchlogix import torch_model


def prepare(net: Network, limit: float) -> Ready:
    """Run the layers on float32, which they want, in one thread."""
    model = torch_model(net)
    import torch

    torch.set_num_threads(1)

    def call(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            values = torch.from_numpy(x).reshape(len(x), *net.shape).float()
            return model(values).numpy()

    return Ready(call, {})


ENGINES = (Engine("torch, model.eval() of torchlogix", 30, prepare, bits=1 << 21),)
