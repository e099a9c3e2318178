"""Mapping to look-up tables keeps what a network computes, and says what it did."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

import lgnx
from lgnx.netlist import Netlist
from lgnx.netlist.luts import LutNetlist
from lgnx.ops.errors import ComparisonError, InputError, ModelError
from lgnx.ops.logic_network import logic_network
from lgnx.ops.program import decode, encode
from lgnx.optimize.counting import binary_digits, check_identities, count_groups
from lgnx.optimize.cut_mapping import map_to_luts
from lgnx.optimize.fpga import map_netlist, optimize_for_fpga


@st.composite
def networks(draw, n_outputs=5):
    """Tables of one to six inputs, constants and copies among their fan-ins."""
    n = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    tables, fanins = [], []
    for i in range(draw(st.integers(0, 25))):
        k = int(rng.integers(1, 7))
        fanins.append(tuple(rng.integers(0, n + 1 + i, k).tolist()))
        tables.append(int.from_bytes(rng.bytes(8), "little") & ((1 << (1 << k)) - 1))
    outputs = rng.integers(0, 2 * (n + 1 + len(tables)), n_outputs)
    return LutNetlist(n, tuple(tables), tuple(fanins), outputs.astype(np.uint32))


def every_input(n: int) -> np.ndarray:
    return (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)


def reference(luts: LutNetlist, bits: np.ndarray) -> np.ndarray:
    return logic_network(bits, encode(luts.to_program()), n_outputs=len(luts.outputs))


@given(luts=networks())
@settings(max_examples=30, deadline=None)
def test_forms_of_a_network_of_tables_compute_the_same(luts):
    bits = every_input(luts.n_inputs)
    wanted = reference(luts, bits)
    small = luts.simplified()
    assert np.array_equal(reference(small, bits), wanted)
    assert all(len(fanin) == len(set(fanin)) >= 2 and 0 not in fanin for fanin in small.fanins)
    for form in (luts, small):
        netlist, labels, _ = form.to_netlist()
        netlist.validate()
        assert np.array_equal(netlist.simulate(bits), wanted)
        assert len(labels) == netlist.n_nodes
    assert Netlist.from_program(luts.to_program()).n_outputs == len(luts.outputs)


@given(luts=networks(), k=st.integers(4, 6))
@settings(max_examples=20, deadline=None)
def test_cuts_keep_the_function_and_the_width(luts, k):
    netlist, _, _ = luts.to_netlist()
    mapped = map_to_luts(netlist, k)
    bits = every_input(luts.n_inputs)
    assert np.array_equal(reference(mapped, bits), reference(luts, bits))
    assert mapped.widest <= k
    assert mapped.depth <= netlist.depth


@given(data=st.data(), groups=st.integers(1, 3), size=st.integers(2, 40), k=st.integers(4, 6))
@settings(max_examples=30, deadline=None)
def test_counts_of_tables_are_the_counts(data, groups, size, k):
    luts = data.draw(networks(n_outputs=groups * size)).simplified()
    counted = count_groups(luts, groups, k)
    assert check_identities(counted) == len(counted.identities)
    bits = every_input(luts.n_inputs)
    wanted = reference(luts, bits).reshape(len(bits), groups, size).sum(axis=2)
    digits = reference(counted.luts, bits).reshape(len(bits), groups, counted.width)
    assert np.array_equal(digits @ (1 << np.arange(counted.width)), wanted)
    assert counted.luts.widest <= max(k, luts.widest)


def test_a_sum_may_depend_on_fewer_wires_than_its_bits():
    # a and b, not a and b, a and c, not a and c: the sum is that of b and c.
    fanins = ((1, 2), (1, 2), (1, 3), (1, 3))
    luts = LutNetlist(3, (8, 4, 8, 4), fanins, 2 * np.arange(4, 8, dtype=np.uint32))
    counted = count_groups(luts, 1, 6)
    assert check_identities(counted) == len(counted.identities)
    assert {wire for fanin in counted.luts.fanins for wire in fanin} == {2, 3}
    bits = every_input(3)
    digits = reference(counted.luts, bits)
    assert np.array_equal(digits @ (1 << np.arange(3)), bits[:, 1].astype(int) + bits[:, 2])


def test_a_wrong_sum_is_found():
    luts = LutNetlist(7, (), (), 2 * np.arange(1, 8, dtype=np.uint32))
    counted = count_groups(luts, 1, 6)
    last = counted.identities[-1]
    weight, literal = last.after[0]
    after = ((weight, literal ^ 1), *last.after[1:])
    wrong = dataclasses.replace(last, after=after)
    identities = [*counted.identities[:-1], wrong]
    with pytest.raises(ComparisonError, match=r"identity \d of group 0 does not hold"):
        check_identities(dataclasses.replace(counted, identities=identities))
    with pytest.raises(ComparisonError, match="digits are not what the identities lead to"):
        check_identities(dataclasses.replace(counted, identities=counted.identities[:-1]))


def test_digits_are_recognised_by_how_often_they_stand():
    digits = np.array([[2, 5, 8], [3, 3, 0]], np.uint32)
    outputs = np.repeat(digits, [1, 2, 4], axis=1).ravel()
    assert np.array_equal(binary_digits(outputs, 2), digits)
    outputs[-1] = 2
    assert binary_digits(outputs, 2) is None
    assert binary_digits(outputs[:12], 2) is None


@pytest.fixture(scope="module")
def torchlogix_model() -> onnx.ModelProto:
    torch = pytest.importorskip("torch")
    from lgnx.converters.torchlogix import import_torchlogix

    import_torchlogix()
    from torchlogix.layers import GroupSum, LearnableBinarization, LogicDense

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        thresholds = torch.tensor([0.25, 0.5, 0.75]).repeat(16, 1)
        dense = [LogicDense(48, 400), LogicDense(400, 300), LogicDense(300, 280)]
        for layer in dense:  # as they start, most gates hand their first input on
            for parameter in layer.parameters():
                torch.nn.init.normal_(parameter)
        first = LearnableBinarization(thresholds)
        model = torch.nn.Sequential(first, *dense, GroupSum(4, tau=3.0)).eval()
    return lgnx.export(model, torch.zeros(2, 16))


@pytest.mark.parametrize(("k", "counts"), [(6, True), (4, False)])
def test_a_mapped_model_gives_the_same_scores(torchlogix_model, k, counts):
    pytest.importorskip("aigverse")
    pytest.importorskip("pyosys")
    mapped, (report,) = optimize_for_fpga(torchlogix_model, k, counts=counts)
    onnx.checker.check_model(mapped, full_check=True)
    assert report.status == "proved"
    assert report.counts is counts
    assert report.steps[0].name == "rules, cuts"
    (words,) = (t for t in mapped.graph.initializer if "program" in t.name)
    program = decode(numpy_helper.to_array(words))
    luts = LutNetlist.from_program(program)
    assert (luts.n_luts, luts.depth) == (report.luts_after, report.depth_after)
    assert 3 <= luts.widest <= k
    rng = np.random.default_rng(0)
    before, after = (
        lgnx.InferenceSession(m.SerializeToString()) for m in (torchlogix_model, mapped)
    )
    name = before.get_inputs()[0].name
    for n in (0, 1, 63, 64, 65, 500):
        x = rng.random((n, 16), np.float32)
        (wanted,), (given_,) = before.run(None, {name: x}), after.run(None, {name: x})
        assert wanted.dtype == given_.dtype
        assert np.array_equal(wanted, given_)
    if not counts:
        assert report.luts_after <= report.luts_before


def test_without_time_the_cuts_stand(torchlogix_model):
    _, (report,) = optimize_for_fpga(torchlogix_model, seconds=0, prove_steps=False, counts=False)
    assert [step.name for step in report.steps] == ["rules, cuts"]
    assert report.status == "not proved"
    assert report.luts_after == report.luts_before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 3}, "inputs of a look-up table: 3, must be 4 to 6"),
        ({"k": 7}, "inputs of a look-up table: 7, must be 4 to 6"),
        ({"effort": "most"}, "effort 'most': must be one of low, medium, high"),
    ],
)
def test_choices_that_are_none(torchlogix_model, arguments, message):
    with pytest.raises(InputError) as caught:
        optimize_for_fpga(torchlogix_model, **arguments)
    assert str(caught.value) == message


def test_a_model_without_logic(make):
    m = make(3)
    with pytest.raises(ModelError, match="no logic network to optimise"):
        optimize_for_fpga(m.model(m.op("Cast", "x", to=1)))


def test_a_step_that_changes_the_network_is_refused(monkeypatch):
    netlist, _, _ = LutNetlist(3, (0x96,), ((1, 2, 3),), np.array([8], np.uint32)).to_netlist()
    wrong = LutNetlist(3, (0x69,), ((1, 2, 3),), np.array([8], np.uint32))
    module = importlib.import_module("lgnx.optimize.fpga")
    monkeypatch.setattr(module, "map_to_luts", lambda *_: wrong)
    with pytest.raises(ComparisonError) as caught:
        map_netlist(netlist)
    assert str(caught.value) == (
        "step 'rules, cuts': the network differs from before (exhaustive simulation)"
    )
