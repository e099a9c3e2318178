from __future__ import annotations


def test_gathers_of_constants_are_composed(make, apply, ops):
    m = make(6)
    inner = m.op("Gather", "x", m.constant([5, 0, 3, 3]), axis=1)
    result = apply(m.model(m.op("Gather", inner, m.constant([1, 1, 3]), axis=1)), "merge-gathers")
    assert ops(result) == {"Gather": 1}


def test_an_inner_gather_with_other_readers_stays(make, apply, ops):
    m = make(6)
    inner = m.op("Gather", "x", m.constant([5, -1, 3, 3]), axis=1)
    y = m.op("Gather", inner, m.constant([1, 2]), axis=1)
    assert ops(apply(m.model(inner, y), "merge-gathers")) == {"Gather": 2}


def test_other_axes_ranks_and_computed_indices_are_left_alone(make, apply, ops):
    m = make(3, 3)
    one = m.op("Gather", m.op("Gather", "x", m.constant([1, 0]), axis=1), m.constant([0]), axis=2)
    scalar = m.op("Gather", m.op("Gather", "x", m.constant(1), axis=1), m.constant([1]), axis=1)
    computed = m.op("Add", m.constant([0]), m.constant([1]))
    late = m.op("Gather", m.op("Gather", "x", computed, axis=1), m.constant([0]), axis=1)
    assert ops(apply(m.model(one, scalar, late), "merge-gathers"))["Gather"] == 6
