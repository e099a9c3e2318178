from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto


@pytest.mark.parametrize(("strict", "compare"), [(1, "Greater"), (0, "GreaterOrEqual")])
def test_a_thermometer_becomes_a_comparison(make, apply, ops, strict, compare):
    m = make(3, dtype=TensorProto.FLOAT)
    thresholds = m.constant(np.array([[0, 0.5], [0.25, 1], [-1, 1]], np.float32))
    result = apply(
        m.model(m.op("Thermometer", "x", thresholds, strict=strict)), "lower-thermometer"
    )
    assert ops(result) == {"Unsqueeze": 1, compare: 1}


def test_every_thermometer_is_lowered(make, apply, ops):
    m = make(2, 3, dtype=TensorProto.FLOAT)
    thresholds = m.constant(np.array([0.25, 0.5], np.float32))
    a, b = (m.op("Thermometer", "x", thresholds, strict=strict) for strict in (0, 1))
    result = apply(m.model(a, b), "lower-thermometer")
    assert ops(result)["Thermometer"] == 0
