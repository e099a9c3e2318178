from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="session", autouse=True)
def docs_importable():
    """Let tests import the scripts of docs/ as these import each other."""
    sys.path.insert(0, str(DOCS))
    yield DOCS
    sys.path.remove(str(DOCS))
