from __future__ import annotations

import numpy as np
import pytest

from lgnx.ops.errors import InputError
from lgnx.verify.interactive import open_rtl, pack_sample
from lgnx.verify.reference import run_reference
from lgnx.verify.rtl import read_rtl

pytest.importorskip("pyverilator")


def counts(value: int, groups: int, width: int) -> list[int]:
    return [value >> (g * width) & (1 << width) - 1 for g in range(groups)]


@pytest.mark.parametrize("stages_every", [None, 1])
def test_ports_are_set_and_read_by_hand(design, tmp_path, stages_every):
    made = design(stages_every=stages_every)
    rtl = read_rtl(made.rtl)
    simulation = open_rtl(made.rtl, cache_dir=made.cache)
    x = made.samples(5)
    expected = run_reference(made.model, x)[0]
    simulation.start_vcd_trace(str(tmp_path / "waves.vcd"))
    for sample, scores in zip(x, expected, strict=True):
        simulation.io.x = pack_sample(made.rtl, sample)
        if stages_every:
            simulation.io.in_valid = 1
            for _ in range(rtl.latency):
                simulation.clock.tick()
            assert int(simulation.io.out_valid) == 1
        read = np.array(counts(int(simulation.io.scores), rtl.scores.groups, rtl.scores.width))
        np.testing.assert_array_equal(rtl.scores.scores(read), scores)
        assert int(simulation.io.class_index) == scores.argmax()
    simulation.stop_vcd_trace()
    assert "$enddefinitions" in (tmp_path / "waves.vcd").read_text()


def test_a_sample_that_does_not_fit_is_refused(design):
    with pytest.raises(InputError, match="the RTL takes 6 features"):
        pack_sample(design().rtl, np.zeros(5, np.float32))


def test_designs_stand_beside_each_other(design):
    made = design(stages_every=1)
    latency = read_rtl(made.rtl).latency
    sample = pack_sample(made.rtl, made.samples(1)[0])
    classes = []
    for _ in range(3):  # each anew, while the ones before may still live
        simulation = open_rtl(made.rtl, cache_dir=made.cache)
        simulation.io.x = sample
        simulation.io.in_valid = 1
        for _ in range(latency):
            simulation.clock.tick()
        classes.append(int(simulation.io.class_index))
        other = open_rtl(design().rtl, cache_dir=made.cache)
        other.io.x = sample
        classes.append(int(other.io.class_index))
    assert len(set(classes)) == 1
