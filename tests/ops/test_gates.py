from __future__ import annotations

import numpy as np
import pytest

from lgnx.ops.gates import AND, AND_NOT, GATE_NAMES, NOR, XOR


@pytest.mark.parametrize("gate", range(16))
def test_the_name_of_a_gate_is_its_truth_table(gate):
    x0, x1 = np.array([0, 1, 0, 1], bool), np.array([0, 0, 1, 1], bool)
    value = eval(GATE_NAMES[gate], {"x0": x0, "x1": x1})
    expected = (gate >> np.arange(4) & 1).astype(bool)
    np.testing.assert_array_equal(np.broadcast_to(value, 4).astype(bool), expected)


def test_named_gates():
    assert [GATE_NAMES[gate] for gate in (AND, XOR, NOR, AND_NOT)] == [
        "x0 & x1",
        "x0 ^ x1",
        "~(x0 | x1)",
        "x0 & ~x1",
    ]
