"""Proofs: what is proved, what is only tested, and counterexamples that are real."""

from __future__ import annotations

import importlib.util
import subprocess
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.netlist import Netlist, NetlistBuilder
from lgnx.netlist.simulation import pack
from lgnx.ops.errors import InputError
from lgnx.optimize import equivalence, proof, prove, vectors


def _multiplier(n: int, swap: bool) -> Netlist:
    """n x n bits. Multipliers with swapped factors are hard to prove equal."""
    builder = NetlistBuilder(2 * n)
    x, y = np.split(builder.inputs(), 2)
    if swap:
        x, y = y, x
    zero = np.zeros(1, np.uint32)
    total = [zero] * (2 * n)
    for row in range(n):
        carry = zero
        for column in range(n):
            a, b = total[row + column], builder.and_(x[column : column + 1], y[row : row + 1])
            half = builder.xor(a, b)
            total[row + column] = builder.xor(half, carry)
            carry = builder.or_(builder.and_(a, b), builder.and_(half, carry))
        total[row + n] = carry
    return builder.finish(np.concatenate(total))


def _needle(differ: bool, n_inputs: int = 40) -> Netlist:
    """Three outputs, the last of which may differ on one input vector out of 2^n_inputs."""
    builder = NetlistBuilder(n_inputs)
    inputs = builder.inputs()[:, None]
    hit = inputs[0]
    for i, literal in enumerate(inputs[1:]):
        hit = builder.and_(hit, literal ^ np.uint32(i % 3 == 0))
    plain = builder.xor(inputs[0], inputs[1])
    last = builder.xor(plain, hit) if differ else plain
    return builder.finish(np.concatenate([plain, inputs[2], last]))


def _rebuilt(netlist: Netlist) -> Netlist:
    """The same functions from other nodes: a & b = a ^ (a & ~b), a ^ b = (a | b) & ~(a & b)."""
    builder = NetlistBuilder(netlist.n_inputs)
    made = np.zeros(netlist.first_node + netlist.n_nodes, np.uint32)
    made[1 : netlist.first_node] = builder.inputs()
    for i, (kind, fanins) in enumerate(zip(netlist.kinds, netlist.fanins, strict=True)):
        a, b = made[fanins >> 1] ^ (fanins & 1)
        if kind:
            new = builder.and_(builder.or_(a, b), builder.not_(builder.and_(a, b)))
        else:
            new = builder.xor(a, builder.and_(a, builder.not_(b)))
        made[netlist.first_node + i] = new
    return builder.finish(made[netlist.outputs >> 1] ^ (netlist.outputs & 1))


def _assert_real(verdict, a, b):
    assert verdict.status == "refuted"
    example = verdict.counterexample
    assert example.shape == (a.n_inputs,)
    assert not np.array_equal(a.simulate(example[None]), b.simulate(example[None]))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_few_inputs_are_decided_by_exhaustion(nets, data):
    a = data.draw(nets.any())
    assert prove(a, _rebuilt(a)).status == "proved"
    flipped = a.outputs.copy()
    flipped[data.draw(st.integers(0, a.n_outputs - 1))] ^= 1
    b = Netlist(a.n_inputs, a.kinds, a.fanins, flipped)
    verdict = prove(a, b)
    assert verdict.method == "exhaustive simulation"
    assert verdict.vectors == 1 << a.n_inputs
    _assert_real(verdict, a, b)


@pytest.mark.parametrize("n_inputs", [0, 1, 5, 6, 7, 9])
@pytest.mark.parametrize("step", [1, 3, 64])
def test_exhaustive_vectors_are_all_vectors(nets, n_inputs, step):
    words = np.concatenate(list(vectors.exhaustive(n_inputs, step)), axis=1)
    expected = nets.every_input(n_inputs)
    times = max(1, 64 >> n_inputs)
    assert np.array_equal(words, pack(np.tile(expected, (times, 1))))


def test_random_vectors_reach_from_none_to_all():
    words = np.concatenate(list(vectors.random(1000, 64, 7, seed=0)), axis=1)
    assert words.shape == (1000, 64)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    share = bits.mean(axis=0)
    assert share[0] == 0
    assert share[1] == 1
    by_word = share[64:].reshape(-1, 64).mean(axis=1)
    assert {round(16 * s) for s in by_word} == {1, 2, 4, 8, 12, 14, 15}


@pytest.mark.parametrize("seed", range(5))
def test_a_mutated_gate_is_refuted(nets, seed):
    a = nets.random(30, 300, 40, seed)
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(a.fan_outs()[a.first_node :])
    kinds = a.kinds.copy()
    kinds[used[-1 - rng.integers(0, 10)]] ^= 1
    b = Netlist(a.n_inputs, kinds, a.fanins, a.outputs)
    verdict = prove(a, b)
    if verdict.status != "proved":  # the gate may not matter
        _assert_real(verdict, a, b)
    assert prove(a, a).status == "proved"


def test_networks_of_other_structure_are_proved(nets):
    a = nets.random(60, 800, 30, seed=11)
    verdict = prove(a, _rebuilt(a))
    assert verdict.status == "proved"
    assert verdict.method == "aigverse equivalence checking"
    assert verdict.counterexample is None
    assert str(verdict) == "proved (aigverse equivalence checking)"


def test_a_difference_that_simulation_misses_is_found():
    a, b = _needle(False), _needle(True)
    verdict = prove(a, b)
    assert verdict.method == "aigverse equivalence checking"
    _assert_real(verdict, a, b)


def test_a_proof_that_takes_too_long_is_stopped_and_not_called_proved():
    start = time.monotonic()
    verdict = prove(_multiplier(12, False), _multiplier(12, True), budget=1.5)
    assert verdict.status == "tested"
    assert verdict.vectors == 65536
    assert "stopped after 1.5 s" in verdict.method
    assert str(verdict).startswith("tested on 65,536 vectors, not proved (")
    assert time.monotonic() - start < 60


def test_a_checker_that_gives_up_proves_nothing(monkeypatch, nets):
    reason = "the equivalence checker reached its conflict limit"
    monkeypatch.setattr(proof, "quickly_equivalent", lambda a, b: None)
    monkeypatch.setattr(proof, "ask", lambda *_: (reason, None))
    a = nets.random(30, 100, 5, seed=0)
    verdict = prove(a, a)
    assert verdict.status == "tested"
    assert verdict.method == f"random simulation; {reason}"


def test_a_checker_that_crashes_proves_nothing(monkeypatch, nets):
    def crash(command, **_):
        return subprocess.CompletedProcess(command, -11, "", "")

    monkeypatch.setattr(proof, "quickly_equivalent", lambda a, b: None)
    monkeypatch.setattr(subprocess, "run", crash)
    a = nets.random(30, 100, 5, seed=0)
    verdict = prove(a, a)
    assert verdict.status == "tested"
    assert verdict.method == "random simulation; the equivalence checker failed: exit code -11"


def test_without_aigverse_nothing_is_proved_that_was_not_exhausted(monkeypatch, nets):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    a = nets.random(30, 100, 5, seed=0)
    verdict = prove(a, a)
    assert verdict.status == "tested"
    assert "pip install 'lgnx[proof]'" in verdict.method
    small = nets.random(10, 100, 5, seed=0)
    assert prove(small, small).status == "proved"


def test_the_checker_is_asked_in_a_process_of_its_own(monkeypatch, nets, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(proof, "QUICK_NODES", 0)
    a = nets.random(30, 100, 5, seed=0)
    verdict = prove(a, _rebuilt(a))
    assert (verdict.status, verdict.method) == ("proved", "aigverse equivalence checking")


def test_no_counterexample_is_made_up():
    a = _needle(False)
    assert equivalence.find_counterexample(a, a) is None


def test_only_netlists_of_one_shape_are_compared(nets):
    with pytest.raises(InputError, match="4 inputs and 2 outputs, and of 5 and 2, cannot be"):
        prove(nets.random(4, 9, 2, seed=0), nets.random(5, 9, 2, seed=0))
