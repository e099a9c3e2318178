"""The examples of the pages on C and NumPy source, run as they stand there."""

from __future__ import annotations

import ctypes
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lgnx
from lgnx.cli import app

FORMATS = Path(__file__).parents[2] / "docs" / "formats"
DIGITS = Path(__file__).parents[1] / "golden" / "v1" / "digits"


def blocks(page, kind):
    text = (FORMATS / f"{page}.md").read_text("utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(DIGITS / "layer.onnx", "digits.onnx")
    with np.load(DIGITS / "data.npz") as data:
        np.save("images.npy", data["x"])
        return data["x"]


def run_commands(page):
    """Run the commands whose program is installed; give what they print."""
    said = ""
    for line in "".join(blocks(page, "sh")).splitlines():
        program, *arguments = shlex.split(line)
        if program == "lgnx":
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, result.output
        elif program == "python" or shutil.which(program):
            command = [sys.executable if program == "python" else program, *arguments]
            said += subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said


def run_python(page, capsys):
    (block,) = blocks(page, "python")
    exec(compile(block, page, "exec"), {})
    said = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == said


def test_the_examples_of_c_run(images, capsys):
    run_commands("c")
    run_python("c", capsys)
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    (firmware,) = blocks("c", "c")
    Path("firmware.c").write_text(firmware)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "digits.c", "firmware.c", "-o", "firmware.so"], check=True)
    recognise = ctypes.CDLL("./firmware.so").recognise
    recognise.restype = ctypes.c_size_t
    classes = [recognise(ctypes.c_void_p(image.ctypes.data)) for image in images]
    scores = lgnx.InferenceSession("digits.onnx").run(None, {"x": images})[0]
    assert classes == scores.argmax(axis=1).tolist()


def test_the_examples_of_numpy_run(images, capsys, monkeypatch):
    said = run_commands("numpy")
    scores = lgnx.InferenceSession("digits.onnx").run(None, {"x": images})[0]
    assert said.split() == [str(number) for number in scores.argmax(axis=1)]
    monkeypatch.syspath_prepend(".")
    monkeypatch.delitem(sys.modules, "digits", raising=False)
    run_python("numpy", capsys)
    monkeypatch.delitem(sys.modules, "digits")
