"""Models of torchlogix at the bitwise level, in stock onnxruntime, beside torchlogix itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnxruntime as ort
import pytest
import torch

import lgnx
from lgnx.converters.torch_export import export
from lgnx.ops import DOMAIN
from tests.converters.torchlogix_cases import bits, models

CHOSEN = ("Fixed channel", "3d", "transposed", "residual", "skips")
CASES = {name: rest for name, *rest in models() if name in CHOSEN}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_model_packs_once_and_gives_what_torchlogix_gives(name):
    build, sample, ops = CASES[name]
    torch.manual_seed(0)
    module = build()
    lowered = lgnx.lower(export(module, sample), to="bitwise")
    ours = Counter(node.op_type for node in lowered.graph.node if node.domain == DOMAIN)
    assert ours["PackBits"] == 1
    assert sum(ours.values()) == 2
    if "GroupSum" in ops:  # else a last Or may work on the bits of the output
        assert not {"And", "Or", "Not"} & {node.op_type for node in lowered.graph.node}
    session = ort.InferenceSession(lowered.SerializeToString(), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    for x in [*bits(*sample.shape[1:]), torch.rand(65, *sample.shape[1:])]:
        if given.type == "tensor(bool)" and not torch.equal(x, x.bool()):
            continue
        with torch.no_grad():
            expected = module.eval()(x).numpy()
        fed = x.bool() if given.type == "tensor(bool)" else x
        (actual,) = session.run(None, {given.name: fed.numpy()})
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
