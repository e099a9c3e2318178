from __future__ import annotations

import numpy as np
import pytest

from lgnx.ops.errors import InputError
from lgnx.verify.rtl import read_rtl
from lgnx.verify.stimuli import random_inputs


def test_values_are_those_of_the_format():
    x = random_inputs("fixed<4,2>", (2000, 3))
    assert (x.dtype, x.shape) == (np.float32, (2000, 3))
    assert set(np.unique(x * 4)) == set(range(-8, 8))


def test_corners_come_first():
    x = random_inputs("ufixed<5,1>", (100, 4))
    assert (x[0] == 0).all()
    assert (x[1] == 31 / 16).all()
    np.testing.assert_array_equal(x[2:6], np.eye(4) * 31 / 16)


def test_values_next_to_thresholds_are_among_them():
    thresholds = np.array([[0.3], [0.8]])
    x = random_inputs("ufixed<8,0>", (60, 2), thresholds=thresholds)
    for feature, (t,) in enumerate(thresholds):
        below, above = np.floor(t * 256) / 256, np.floor(t * 256 + 1) / 256
        assert {below, above} <= set(x[:15, feature].astype(float))


def test_equal_seeds_give_equal_samples():
    a, b, c = (random_inputs("uint8", (50, 3), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_samples_of_an_rtl_folder_have_the_models_shape_and_type(design):
    rtl = read_rtl(design().rtl)
    x = random_inputs(rtl, 30)
    assert (x.shape, x.dtype) == ((30, 6), np.float32)
    assert random_inputs(rtl, 0).shape == (0, 6)


def test_bad_arguments_are_refused(design):
    with pytest.raises(InputError, match="must be fixed<W,I>"):
        random_inputs("float", (3, 2))
    with pytest.raises(InputError, match="samples is the whole shape"):
        random_inputs("uint8", 3)
    with pytest.raises(InputError, match="samples is a number"):
        random_inputs(read_rtl(design().rtl), (3, 6))
    with pytest.raises(InputError, match="none below 0"):
        random_inputs("uint8", (-1, 6))
