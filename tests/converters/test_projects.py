"""Project files: which there are, where they may be written, and that Tcl and cores are right."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lgnx
from lgnx.converters.projects import Vectors, find_project, projects, write_project
from lgnx.converters.projects.vectors import hex_rows
from lgnx.converters.verilog import write_rtl
from lgnx.ops.errors import InputError, ModelError

pytest.importorskip("jinja2")

# Records every command that Tcl does not have; those that read files check that they are there.
STUB = r"""
foreach name {project flow report} {package provide ::quartus::$name 1.0}
proc unknown {args} {puts "CALL [join $args "\x1f"]"; return [lindex $args end]}
proc read_verilog {args} {
  foreach file [lindex $args end] {puts "SOURCE [file tail $file] [file exists $file]"}
}
proc add_files {args} {
  if {[lsearch $args constrs_1] >= 0} {source [lindex $args end]} else {read_verilog {*}$args}
}
proc read_xdc {args} {source [lindex $args end]}
proc set_global_assignment {flag name value} {
  if {[string match *VERILOG_FILE $name]} {read_verilog [list $value]}
  if {$name eq "SDC_FILE"} {source $value}
  puts "CALL set_global_assignment\x1f$name\x1f$value"
}
proc get_timing_paths {args} {return {path}}
proc get_property {name args} {return %SLACK%}
proc get_report_panel_names {} {return {{Timing||Slow Model Fmax Summary}}}
"""

OPTIONS = {
    "combinational": {},
    "valid": {"stages_every": 1, "reset": "sync"},
    "axi-stream": {
        "stages_every": 2,
        "handshake": "axi-stream",
        "reset": "async-low",
        "language": "systemverilog",
        "trigger": "1 >= 2",
    },
}


@pytest.fixture(params=OPTIONS)
def rtl(request, classifier, tmp_path) -> Path:
    return design(classifier, tmp_path, **OPTIONS[request.param])


@pytest.fixture
def plain(classifier, tmp_path) -> Path:
    return design(classifier, tmp_path)


def design(model, tmp_path: Path, **options) -> Path:
    folder = tmp_path / "my rtl"
    network = lgnx.Network.from_model(model)
    write_rtl(network, folder, input_format="ufixed<8,1>", **options)
    return folder


def vectors(rtl: Path, n: int = 3) -> Vectors:
    sidecar = json.loads((rtl / "lgnx.json").read_text())
    bits = 12 + 2 + ("trigger" in {port["name"] for port in sidecar["outputs"]})
    rng = np.random.default_rng(0)
    return Vectors(sidecar["build_id"], rng.random((n, 48)) < 0.5, rng.random((n, bits)) < 0.5, "x")


def run_tcl(script: Path, slack: str = "0.25") -> tuple[int, list[list[str]], dict[str, str]]:
    """Exit code, calls, and the sources with whether they exist."""
    if shutil.which("tclsh") is None:
        pytest.skip("there is no tclsh")
    stub = script.parent / "stub.tcl"
    stub.write_text(STUB.replace("%SLACK%", slack) + f"source {{{script}}}\n")
    done = subprocess.run(["tclsh", stub], capture_output=True, text=True, cwd="/", check=False)
    stub.unlink()
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    calls = [line[5:].split("\x1f") for line in lines if line.startswith("CALL ")]
    sources = dict(line.split()[1:] for line in lines if line.startswith("SOURCE "))
    return done.returncode, calls, sources


def constrained(calls: list[list[str]]) -> list[str]:
    return [call[1].removesuffix("[*]") for call in calls if call[0] == "get_ports"]


def ports_of(rtl: Path) -> set[str]:
    """Ports of the top module, as its text has them."""
    top = next(rtl.glob("lgnx_top.*v")).read_text()
    header = top[top.index("module ") : top.index(");")]
    return set(re.findall(r"(?:input|output)\s+wire(?:\s*\[[^]]*\])?\s+(\w+)", header))


@pytest.mark.parametrize("flow", ["non-project", "project"])
def test_vivado_gets_every_file_and_constrains_every_port(rtl, flow):
    write_project(rtl, "vivado", part="xc7a200tfbg676-2", flow=flow, period=2.5)
    code, calls, sources = run_tcl(rtl / "vivado" / "build_vivado.tcl")
    assert code == 0
    assert sources == dict.fromkeys(json.loads((rtl / "lgnx.json").read_text())["files"], "1")
    names = [call[0] for call in calls]
    implemented = "route_design" if flow == "non-project" else "launch_runs"
    assert names.index(implemented) < names.index("report_timing_summary")
    assert any("xc7a200tfbg676-2" in call for call in calls)
    clocked = "clk" in ports_of(rtl)
    if clocked:
        assert set(constrained(calls)) == ports_of(rtl)
        assert ["create_clock", "-name", "clk", "-period", "2.5", "clk"] in calls
    else:
        assert ["set_max_delay", "-from", "x[*]", "2.5"] in calls
    failing, *_ = run_tcl(rtl / "vivado" / "build_vivado.tcl", slack="-0.01")
    assert failing == 1


def test_quartus_gets_every_file_and_constrains_every_port(rtl):
    write_project(rtl, "quartus", io="delay", io_delay=0.75)
    code, calls, sources = run_tcl(rtl / "quartus" / "build_quartus.tcl")
    assert code == 0
    assert sources == dict.fromkeys(json.loads((rtl / "lgnx.json").read_text())["files"], "1")
    assert ["set_global_assignment", "TOP_LEVEL_ENTITY", "lgnx_top"] in calls
    pins = {call[-1] for call in calls if "VIRTUAL_PIN" in call}
    assert pins == ports_of(rtl) - {"clk"}
    assert any(call[0] == "write_report_panel" for call in calls)
    if "clk" in ports_of(rtl):
        assert set(constrained(calls)) == ports_of(rtl)
        delays = [call for call in calls if call[0] in ("set_input_delay", "set_output_delay")]
        assert delays
        assert all(call[1:4] == ["-clock", "clk", "0.75"] for call in delays)


def test_fusesoc_reads_the_core_and_sets_up_its_targets(rtl, tmp_path):
    pytest.importorskip("fusesoc")
    write_project(rtl, "fusesoc", vectors=vectors(rtl))
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}

    def fusesoc(*arguments: str) -> str:
        command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(rtl), *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shown = fusesoc("core", "show", "lgnx_top")
    for target in ("default", "lint", "sim", "sim_verilator", "synth"):
        assert re.search(rf"^{target} +:", shown, re.MULTILINE)
    fusesoc("run", "--setup", "--target", "synth", "lgnx_top")
    build = next((tmp_path / "build").glob("*/synth"))
    script = (build / "lgnx_rtl_lgnx_top_1.0.0.tcl").read_text()
    for name in json.loads((rtl / "lgnx.json").read_text())["files"]:
        assert name in script
    assert "xcku5p-ffvb676-2-e" in script


def test_vectors_are_rows_with_the_build_at_both_ends():
    bits = np.zeros((1, 65), np.bool_)
    bits[0, [0, 64]] = True
    text = hex_rows(Vectors("00000000000000ab", bits, np.ones((1, 3), np.bool_), "two corners"))
    comment, _, *rows = text.splitlines()
    assert comment == "// lgnx vectors, build 00000000000000ab: two corners"
    assert rows == ["000000000000000ab", "00000000000000001", "f0000000000000001", rows[0]]


def test_a_changed_file_is_never_overwritten(plain, classifier):
    write_project(plain, "vivado")
    write_project(plain, "vivado", period=3.0)  # as lgnx wrote it
    script = plain / "vivado" / "build_vivado.tcl"
    network = lgnx.Network.from_model(classifier)
    script.write_text(script.read_text() + "# mine\n")
    with pytest.raises(InputError, match=r"build_vivado.tcl: was changed, or written by somebody"):
        write_project(plain, "vivado")
    with pytest.raises(InputError, match=r"holds 'vivado/build_vivado.tcl', which lgnx did not"):
        write_rtl(network, plain, input_format="ufixed<8,1>")
    assert script.read_text().endswith("# mine\n")
    script.unlink()
    write_rtl(network, plain, input_format="ufixed<8,1>")
    assert not (plain / "vivado").exists()


def test_bad_input_is_refused_before_anything_is_written(plain):
    before = sorted(plain.rglob("*"))
    good = vectors(plain)
    for name, options, message in [
        ("ise", {}, "there is no project 'ise'; there are: cocotb, edalize, fusesoc, quartus"),
        ("vivado", {"part": "x; exit"}, "option part: 'x; exit', must be letters, digits"),
        ("quartus", {"family": 'a" [exit]'}, "option family: 'a\" [exit]', must be letters"),
        ("vivado", {"period": 0.0}, "option period: 0.0, must be a time in ns above 0"),
        ("vivado", {"io_delay": 9.0}, "option io_delay: 9.0, must be 0 to the period, 4.0"),
        ("vivado", {"flow": "gui"}, "option flow: 'gui', must be non-project, project"),
        ("vivado", {"speed": 1}, "there is no option 'speed'"),
        ("testbench", {}, "needs vectors, which are made with the model"),
        (
            "testbench",
            {"vectors": Vectors("0" * 16, good.inputs, good.expected, "")},
            "the vectors are of build 0000000000000000, the RTL is of build",
        ),
        (
            "testbench",
            {"vectors": Vectors(good.build_id, good.inputs[:, 1:], good.expected, "")},
            "vectors of 47 and 14 bits, the RTL has 48 and 14",
        ),
        (
            "cocotb",
            {"vectors": Vectors(good.build_id, good.inputs[:0], good.expected[:0], "")},
            "there are no vectors",
        ),
    ]:
        with pytest.raises(InputError, match=re.escape(message)):
            write_project(plain, name, **options)
    assert sorted(plain.rglob("*")) == before
    next(plain.glob("lgnx_top_stage0.v")).write_text("module x; endmodule\n")
    with pytest.raises(ModelError, match="they were changed, or are not of one build"):
        write_project(plain, "vivado")
    with pytest.raises(ModelError, match=r"lgnx.json: cannot be read"):
        write_project(plain / "none", "vivado")


def test_every_kind_is_found_by_its_file_and_told_of_in_the_docs():
    folder = Path(find_project.__code__.co_filename).parent
    page = (Path(__file__).parents[2] / "docs" / "projects.md").read_text()
    for project in projects():
        run = project.run.format(rtl="rtl", top="<top>")
        assert re.search(rf"^\| `{project.name}` \|.*`{re.escape(run)}`", page, re.MULTILINE)
        assert (folder / f"{project.name}.py").is_file()
        assert {"rtl": "rtl", "top": "t"}.keys() >= set(re.findall(r"{(\w+)}", project.run))
