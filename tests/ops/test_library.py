from __future__ import annotations

import subprocess
from pathlib import Path

import onnxruntime as ort
import pytest

import lgnx


def test_the_library_lies_in_the_package_and_exports_what_it_must():
    path = Path(lgnx.ops.library_path())
    assert path.is_file()
    symbols = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True)
    if symbols.returncode:
        pytest.skip("nm is not installed")
    names = {line.split()[-1].partition("@")[0] for line in symbols.stdout.splitlines()}
    assert "RegisterCustomOps" in names
    assert all(name == "RegisterCustomOps" or name.startswith("lgnx_") for name in names)


def test_options_may_be_registered_twice():
    options = ort.SessionOptions()
    lgnx.ops.register(options)
    lgnx.ops.register(options)


def test_plain_onnxruntime_takes_the_library_by_its_path():
    options = ort.SessionOptions()
    options.register_custom_ops_library(lgnx.ops.library_path())
