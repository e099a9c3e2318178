"""Names with characters that a format cannot hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgnx.converters.percent_names import escape, escape_ports, made_different, unescape
from tests.converters.circuit_cases import names

PATTERNS = st.sampled_from([r"[^\x21-\x7e]", r"[\x00-\x20\x7f]", r'[^\x21-\x7e]|[#\\="]|^\.'])


@given(name=names() | st.text("%-=0AF ", max_size=8), pattern=PATTERNS)
def test_any_name_comes_back_from_text_without_what_is_forbidden(name, pattern):
    text = escape(name, re.compile(pattern))
    assert text
    assert not re.search(pattern, text)
    assert unescape(text) == name
    assert made_different(text) != text
    assert unescape(made_different(text)) == name


@given(st.lists(names(), unique=True), st.lists(names(), unique=True))
def test_names_of_ports_all_differ(inputs, outputs):
    texts, others = escape_ports(inputs, outputs, re.compile(r"[^\x21-\x7e]"))
    assert len({*texts, *others}) == len(inputs) + len(outputs)
    assert [unescape(text) for text in texts] == inputs
    assert [unescape(text) for text in others] == outputs


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("petal length", "petal%20length"),
        ("é", "%C3%A9"),
        ("100%", "100%"),
        ("a%20", "a%2520"),
        ("", "%-"),
        ("%-", "%25-"),
    ],
)
def test_names_are_written_as_in_urls(name, text):
    assert escape(name, re.compile(r"[^\x21-\x7e]")) == text


def test_codes_that_are_no_text_stay():
    assert unescape("%FF") == "%FF"
    assert unescape("%c3") == "%c3"
