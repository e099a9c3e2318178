"""The cases and the backends, made once."""

from __future__ import annotations

import pytest

from lgnx.verify.conformance import Case, generate_cases


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    return list(generate_cases())
