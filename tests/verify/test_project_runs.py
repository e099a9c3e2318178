"""Projects run for real: testbenches, cocotb, FuseSoC and edalize, on a small network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lgnx.converters.projects import write_project
from lgnx.converters.verilog.folder import stamp
from lgnx.converters.verilog.streaming import write_streaming
from lgnx.ops.errors import InputError
from lgnx.verify.vectors import make_vectors
from lgnx.verify.verilator import find_verilator

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="there is no iverilog")

DESIGNS = {
    "combinational": {"outputs": "class"},
    "free running": {"stages_every": 2, "handshake": "none"},
    "valid": {"stages_every": 1, "reset": "sync"},
    "axi-stream": {"stages_every": 2, "handshake": "axi-stream", "trigger": "1 >= 9"},
    "axi-stream, reset": {"stages_every": 3, "handshake": "axi-stream", "reset": "async-low"},
}


def with_projects(made, to: Path, *names: str, random: int = 40) -> Path:
    rtl = made.copy(to / "rtl")
    vectors = make_vectors(rtl, made.path, x=made.samples(3), random=random)
    for name in names:
        write_project(rtl, name, vectors=vectors)
    return rtl


def run_make(rtl: Path, target: str = "icarus", **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        ["make", "-C", rtl / "testbench", target],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def with_verilator(folder: Path) -> dict[str, str]:
    """Environment in which the program `verilator` is the one that lgnx finds."""
    found = find_verilator()
    folder.mkdir()
    (folder / "verilator").symlink_to(found.binary)
    places = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    flags = "CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"
    return {"VERILATOR_ROOT": str(found.root), "PATH": ":".join(places), "MAKEFLAGS": flags}


@pytest.mark.parametrize("options", DESIGNS.values(), ids=DESIGNS)
def test_the_testbench_passes_on_every_handshake(design, options, tmp_path):
    rtl = with_projects(design(**options), tmp_path, "testbench")
    code, text = run_make(rtl)
    rounds = 2 if options.get("handshake") == "axi-stream" else 1
    assert (code, f"PASS: {43 * rounds} results, 0 differ, build" in text) == (0, True), text


def test_the_testbench_passes_on_a_model_of_bits(make, design, tmp_path):
    rng = np.random.default_rng(1)
    m = make(9)
    rtl = with_projects(design(m.model(m.dense("x", 9, 5, 3, rng))), tmp_path, "testbench")
    code, text = run_make(rtl)
    assert (code, "PASS: 43 results" in text) == (0, True), text


def test_the_testbench_passes_on_a_stream_of_beats(make, tmp_path):
    rng = np.random.default_rng(0)
    m = make(3, 5, 4)
    indices, tables = m.trees(27, 4, 2, 2, rng)
    geometry = {"kernel_shape": [3, 3], "strides": [1, 1], "pads": [1, 1, 1, 1]}
    y = m.op("LogicConv", "x", indices, tables, depth=2, **geometry)
    y = m.dense(m.op("Reshape", y, m.constant([0, 80])), 80, 12, 3, rng)
    model = m.model(m.op("GroupSum", y, groups=3))
    rtl = tmp_path / "rtl"
    write_streaming(model, rtl, positions_per_cycle=2, channels_per_cycle=2, reset="sync")
    write_project(rtl, "testbench", vectors=make_vectors(rtl, model, random=20))
    code, text = run_make(rtl)
    assert (code, "PASS: 40 results, 0 differ" in text) == (0, True), text


def test_whatever_is_wrong_fails_the_testbench(design, tmp_path):
    rtl = with_projects(
        design(stages_every=2, handshake="axi-stream", trigger="1 >= 9"), tmp_path, "testbench"
    )
    vectors = rtl / "testbench" / "vectors.hex"
    text = vectors.read_text()
    lines = text.splitlines(keepends=True)

    def fails(content: str | None, message: str) -> None:
        vectors.unlink(missing_ok=True)
        if content is not None:
            vectors.write_text(content)
        code, out = simulate(rtl)
        assert code != 0
        assert message in out
        assert "PASS" not in out

    def simulate(rtl: Path) -> tuple[int, str]:
        done = subprocess.run(
            ["vvp", "-n", "build/tb.vvp"],
            cwd=rtl / "testbench",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert run_make(rtl)[0] == 0
    fails(None, "FAIL: the vectors are missing, or vectors and RTL are of different builds")
    fails(text.replace(lines[2][-9:-1], "12345678"), "vectors and RTL are of different builds")
    fails("".join(lines[:20]), "FAIL: the file of vectors is cut off")
    fails("".join([*lines[:20], *lines[21:]]), "FAIL: the file of vectors is cut off")
    # A bit of the expected outputs; each vector goes through twice.
    digit = lines[10][1]
    wrong = lines[10][0] + f"{int(digit, 16) ^ 1:x}" + lines[10][2:]
    fails("".join([*lines[:10], wrong, *lines[11:]]), "FAIL: 2 of 86 results differ")
    vectors.write_text(text)
    # Another circuit under another number, and with the number that the vectors have.
    stage = rtl / "lgnx_top_stage1.v"
    stage.write_text(stage.read_text().replace("&", "|", 3))
    assert "FAIL" in run_make(rtl)[1]
    assert "results differ" in run_make(rtl)[1]
    stamp(rtl)
    assert "vectors and RTL are of different builds" in run_make(rtl)[1]


def test_vectors_of_another_model_or_of_values_that_the_port_lacks_are_refused(design, tmp_path):
    made = design()
    with pytest.raises(InputError, match="sample 0, feature 0: the value"):
        make_vectors(made.rtl, made.path, x=np.full((1, 6), 0.3, np.float32))
    with pytest.raises(InputError, match="no samples are given"):
        make_vectors(made.rtl, made.path)


def test_cocotb_in_icarus_compares_with_vectors_and_with_the_model(design, tmp_path):
    pytest.importorskip("cocotb")
    made = design(stages_every=2, handshake="axi-stream", trigger="1 >= 9")
    rtl = with_projects(made, tmp_path, "cocotb")

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, rtl / "cocotb" / "run.py", "--sim", "icarus", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = run("--model", str(made.path), "--samples", "30")
    assert (code, "TESTS=5 PASS=5 FAIL=0 SKIP=0" in text) == (0, True), text
    vectors = rtl / "cocotb" / "vectors.hex"
    lines = vectors.read_text().splitlines(keepends=True)
    wrong = f"{int(lines[10][1], 16) ^ 1:x}"
    vectors.write_text("".join([*lines[:10], lines[10][0] + wrong + lines[10][2:], *lines[11:]]))
    code, text = run()
    assert (code, "vector 6" in text, "FAIL=2" in text) == (1, True, True), text
    vectors.unlink()
    code, text = run()
    assert (code, "give --model, or write the project with vectors" in text) == (1, True), text


@pytest.mark.slow
def test_cocotb_in_verilator_compares_with_onnxruntime(design, tmp_path):
    pytest.importorskip("cocotb")
    made = design(stages_every=1, reset="sync")
    rtl = with_projects(made, tmp_path, "cocotb")
    flags = {"MAKEFLAGS": "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"}
    done = subprocess.run(
        [sys.executable, rtl / "cocotb" / "run.py", "--model", made.path],
        env=os.environ | flags,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "TESTS=5 PASS=5 FAIL=0 SKIP=0" in done.stdout) == (0, True), (
        done.stdout + done.stderr
    )


@pytest.mark.slow
def test_the_testbench_runs_in_verilator_by_make_and_by_edalize(design, tmp_path):
    pytest.importorskip("edalize")
    rtl = with_projects(
        design(stages_every=2, handshake="axi-stream", trigger="1 >= 9"),
        *(tmp_path, "testbench", "edalize"),
    )
    environment = with_verilator(tmp_path / "bin")
    code, text = run_make(rtl, "verilator", **environment)
    assert (code, "PASS: 86 results, 0 differ" in text) == (0, True), text
    vectors = rtl / "testbench" / "vectors.hex"
    content = vectors.read_text()
    vectors.write_text(content[: len(content) // 2])
    code, text = run_make(rtl, "verilator", **environment)
    assert code != 0
    assert "FAIL: the file of vectors is cut off" in text
    vectors.write_text(content)
    for target, said in (("icarus", "PASS"), ("verilator", "PASS"), ("lint", "")):
        done = subprocess.run(
            [sys.executable, rtl / "edalize" / "run.py", target],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, said in done.stdout) == (0, True), done.stdout + done.stderr


def test_fusesoc_lints_and_simulates(design, tmp_path):
    pytest.importorskip("fusesoc")
    rtl = with_projects(design(stages_every=1, reset="sync"), tmp_path, "fusesoc")
    environment = with_verilator(tmp_path / "bin") | {"HOME": str(tmp_path)}
    for target, said in (("lint", "verilator -f"), ("sim", "PASS: 43 results, 0 differ")):
        command = ["-m", "fusesoc.main", "--cores-root", str(rtl), "run", "--target", target]
        done = subprocess.run(
            [sys.executable, *command, "lgnx_top"],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, said in done.stdout) == (0, True), done.stdout + done.stderr
