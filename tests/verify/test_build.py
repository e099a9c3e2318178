from __future__ import annotations

import pytest

from lgnx.converters.verilog.folder import stamp
from lgnx.ops.errors import InputError, ToolError
from lgnx.verify.cosim import CoSimulation


def test_a_design_is_built_once(design):
    made = design()
    first = made.simulation()
    before = first.library_path.stat().st_mtime_ns
    assert made.simulation().library_path == first.library_path
    assert first.library_path.stat().st_mtime_ns == before


def test_a_changed_file_is_built_anew(design, tmp_path):
    made = design()
    folder = made.copy(tmp_path / "rtl")
    (folder / "lgnx_top.v").write_text((folder / "lgnx_top.v").read_text() + "// changed\n")
    stamp(folder)
    assert made.simulation(folder).library_path != made.simulation().library_path


def test_a_damaged_library_is_built_anew(design, new_cache):
    made = design()
    whole = made.simulation().library_path
    damaged = new_cache / whole.name
    damaged.write_bytes(whole.read_bytes()[:10_000])
    simulation = CoSimulation(made.rtl, cache_dir=new_cache)
    assert simulation.library_path == damaged
    assert damaged.stat().st_size > 10_000
    assert simulation.scores(made.samples(10)).shape == (10, 3)


def test_verilog_that_does_not_parse_shows_verilators_message(design, tmp_path):
    made = design()
    folder = made.copy(tmp_path / "rtl")
    path = folder / "lgnx_top_stage0.v"
    path.write_text(path.read_text().replace("always", "allways"))
    stamp(folder)
    with pytest.raises(ToolError, match=r"Verilator failed with exit code(.|\n)*stage0\.v"):
        made.simulation(folder)


def test_bad_arguments_are_refused(design, tmp_path):
    made = design()
    with pytest.raises(InputError, match="jobs is 0; allowed: 1 or more"):
        CoSimulation(made.rtl, jobs=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        CoSimulation(made.rtl, cache_dir=tmp_path / "file" / "cache")


def test_progress_adds_up_to_one(design, new_cache):
    told = []
    CoSimulation(design().rtl, cache_dir=new_cache, progress=told.append)
    assert sum(told) == pytest.approx(1.0)
    assert len(told) > 2
