"""Train a logic gate network on handwritten digits, export it and run the file.

pip install 'lgnx[demo]'
python examples/train_digits.py
"""

from __future__ import annotations

import torch

import lgnx
from lgnx.verify.digits import train_digits


def show(step: int, steps: int, loss: float, accuracy: float) -> None:
    """Print every hundredth step."""
    if step % 100 == 0:
        print(f"step {step} of {steps}: loss {loss:.3f}, accuracy {accuracy:.2f}")


def main() -> None:
    """Train, export, run, compare."""
    trained = train_digits(progress=show)
    print(f"test accuracy of the discrete network: {trained.accuracy:.2%}")

    # One ONNX file: a node for the thermometer, one for each layer of gates, one for the scores.
    lgnx.export(trained.model, torch.from_numpy(trained.x_train[:2]), "digits.onnx")

    session = lgnx.InferenceSession("digits.onnx")
    scores = session.run(None, {"x": trained.x_test})[0]
    with torch.no_grad():
        expected = trained.model(torch.from_numpy(trained.x_test)).numpy()
    print(f"onnxruntime gives the same scores as torch: {(scores == expected).all()}")


if __name__ == "__main__":
    main()
