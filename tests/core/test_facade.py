from __future__ import annotations

import subprocess
import sys

import pytest

import lgnx


def test_every_public_name_is_there():
    for name in lgnx.__all__:
        assert callable(getattr(lgnx, name))
    assert set(lgnx.__all__) <= set(dir(lgnx))
    with pytest.raises(AttributeError, match="module 'lgnx' has no attribute 'frobnicate'"):
        _ = lgnx.frobnicate


def test_a_submodule_of_the_same_name_does_not_hide_a_function():
    code = (
        "import lgnx.check, lgnx.optimize, lgnx.inspect, lgnx;"
        "from lgnx.optimize import optimize_netlist;"
        "assert callable(lgnx.check) and callable(lgnx.optimize) and callable(lgnx.inspect)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_operators_are_there_without_an_import_of_their_own():
    code = "import lgnx; assert 'ops' in dir(lgnx) and lgnx.ops.library_path()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_lgnx_loads_nothing():
    code = (
        "import sys, lgnx;assert not {'onnx', 'onnxruntime', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
