"""Training of the demo's classifier."""

from __future__ import annotations

import numpy as np
import pytest

from lgnx.verify.digits import QUICK_STEPS, train_digits


def test_training_tells_its_progress_and_leaves_torch_alone() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    seen: list[tuple[int, int, float, float]] = []
    before = torch.get_rng_state()
    trained = train_digits(quick=True, progress=lambda *args: seen.append(args))
    assert torch.equal(torch.get_rng_state(), before)
    assert [entry[:2] for entry in seen] == [(n + 1, QUICK_STEPS) for n in range(QUICK_STEPS)]
    assert seen[-1][2] < seen[0][2]
    assert not trained.model.training
    with torch.no_grad():
        scores = trained.model(torch.from_numpy(trained.x_test))
    assert trained.accuracy == np.mean(scores.argmax(1).numpy() == trained.y_test)
    assert np.array_equal(trained.x_test * 16, np.round(trained.x_test * 16))


@pytest.mark.slow
def test_the_discrete_network_is_accurate() -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("torch")
    assert train_digits().accuracy >= 0.93
