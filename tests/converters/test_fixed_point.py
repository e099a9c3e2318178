from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgnx.converters.verilog.fixed_point import (
    FixedPoint,
    check_dtype,
    check_port,
    comparison,
    fraction_bits_needed,
    parse_format,
    through_port,
)
from lgnx.ops.errors import InputError

small = st.builds(FixedPoint, st.integers(1, 6), st.integers(-3, 6), st.booleans())
thresholds = st.one_of(
    st.floats(-70, 70), st.integers(-70, 70), st.sampled_from([float("inf"), -float("inf")])
)


@pytest.mark.parametrize(
    ("text", "width", "fraction_bits", "signed"),
    [
        ("fixed<8,3>", 8, 5, True),
        (" ufixed < 5 , 1 > ", 5, 4, False),
        ("ap_ufixed<4,6>", 4, -2, False),
        ("fixed<4,-2>", 4, 6, True),
        ("uint8", 8, 0, False),
        ("int16", 16, 0, True),
        ("bit", 1, 0, False),
        ("bool", 1, 0, False),
    ],
)
def test_formats_are_read(text, width, fraction_bits, signed):
    form = parse_format(text)
    assert form == FixedPoint(width, fraction_bits, signed)
    assert parse_format(str(form)) == form


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("float", "must be fixed<W,I>, ufixed<W,I>, an integer type such as uint8, or bit"),
        ("fixed<0,0>", "the width is 0, must be 1 to 64"),
        ("fixed<65,1>", "the width is 65, must be 1 to 64"),
        ("fixed<8,-90>", "more than 62 bits before or behind the binary point"),
    ],
)
def test_other_formats_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse_format(text)


@given(form=small, threshold=thresholds, strict=st.booleans())
def test_the_integer_comparison_decides_as_the_threshold_does(form, threshold, strict):
    limit = comparison(threshold, strict, form)
    for code in range(form.lowest, form.highest + 1):
        value = form.value(code)
        assert (code > limit) == (value > threshold if strict else value >= threshold)


@given(form=small, threshold=st.floats(-70, 70), strict=st.booleans(), dropped=st.integers(0, 8))
def test_a_narrower_port_decides_alike_or_says_that_it_cannot(form, threshold, strict, dropped):
    limit = comparison(threshold, strict, form)
    if not form.lowest <= limit < form.highest:
        return  # a constant decision
    port = FixedPoint(form.width + 10, form.fraction_bits - dropped, form.signed)
    narrow = through_port(limit, form, port)
    needed = fraction_bits_needed(limit, form)
    assert (narrow is not None) == (port.fraction_bits >= needed)
    if narrow is not None:
        for code in range(form.lowest, form.highest + 1):
            carried = code >> dropped
            assert carried == form.value(code) * Fraction(2) ** port.fraction_bits // 1
            assert (carried > narrow) == (code > limit)


@pytest.mark.parametrize(
    ("form", "dtype", "message"),
    [
        ("ufixed<25,1>", "float32", "float32 holds 24 bits exactly, the format has 25"),
        ("ufixed<12,1>", "float16", "float16 holds 11 bits exactly, the format has 12"),
        ("ufixed<4,20>", "float16", "float16 holds"),
        ("ufixed<8,7>", "uint8", "has a fraction, but the model's input is uint8"),
        ("uint8", "int8", "reaches 0 to 255, the model's input is int8"),
        ("uint8", "bool", "the model's input is bool, use bit"),
    ],
)
def test_values_that_the_model_would_round_are_refused(form, dtype, message):
    with pytest.raises(InputError, match=message):
        check_dtype(parse_format(form), np.dtype(dtype))


@pytest.mark.parametrize(
    ("form", "dtype"),
    [("ufixed<24,1>", "float32"), ("fixed<25,1>", "float32"), ("int8", "int16"), ("bit", "bool")],
)
def test_values_that_the_model_holds_are_taken(form, dtype):
    check_dtype(parse_format(form), np.dtype(dtype))


def test_a_port_that_is_too_narrow_names_one_that_is_not():
    with pytest.raises(InputError, match=r"does not hold the values .*; ufixed<6,4> would"):
        check_port(parse_format("ufixed<8,4>"), parse_format("ufixed<5,3>"))
    check_port(parse_format("ufixed<8,4>"), parse_format("ufixed<6,4>"))
