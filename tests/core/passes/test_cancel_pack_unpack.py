from __future__ import annotations

import numpy as np

from lgnx.passes.pipelines import PIPELINES


def test_layers_hand_words_to_each_other(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(9)
    y = m.dense(m.dense(m.dense("x", 9, 20, 2, rng), 20, 20, 3, rng), 20, 8, 2, rng)
    result = apply(m.model(m.op("GroupSum", y, groups=2)), "lower-logic-dense", "lower-group-sum")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (4, 3)
    result = apply(result, "cancel-pack-unpack", "remove-unused")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"], ops(result)["Shape"]) == (1, 0, 1)


def test_bits_that_two_layers_read_are_packed_once(make, apply, ops):
    rng = np.random.default_rng(0)
    m = make(9)
    a, b = (m.dense("x", 9, 4, 2, rng) for _ in range(2))
    result = apply(m.model(a, b), "lower-logic-dense", "cancel-pack-unpack", "remove-unused")
    assert ops(result)["PackBits"] == 1


def test_words_that_come_as_words_are_not_unpacked(packed_model, apply, ops):
    result = apply(packed_model, *PIPELINES["bitwise"])
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"], ops(result)["Shape"]) == (0, 0, 0)


def test_words_that_somebody_sees_are_packed_anew(make, apply, ops):
    m = make(3)
    flipped = m.op("BitwiseNot", m.op("PackBits", "x"))  # ones beyond the batch
    batch = m.op("Shape", "x", start=0, end=1)
    words = m.op("PackBits", m.op("UnpackBits", flipped, batch))
    result = apply(m.model(words), "cancel-pack-unpack")
    assert (ops(result)["PackBits"], ops(result)["UnpackBits"]) == (2, 1)
