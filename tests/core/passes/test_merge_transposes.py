from __future__ import annotations


def test_two_transposes_become_one(make, apply, ops):
    m = make(2, 3, 4)
    y = m.op("Transpose", m.op("Transpose", "x", perm=[0, 2, 3, 1]), perm=[0, 3, 2, 1])
    result = apply(m.model(m.op("Not", y)), "merge-transposes")
    assert ops(result) == {"Transpose": 1, "Not": 1}
    assert list(result.graph.node[0].attribute[0].ints) == [0, 1, 3, 2]


def test_two_that_undo_each_other_go(make, apply, ops):
    m = make(2, 3, 4)
    y = m.op("Transpose", m.op("Transpose", "x", perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    assert ops(apply(m.model(m.op("Not", y)), "merge-transposes")) == {"Not": 1}


def test_the_order_of_axes_is_reversed_by_default(make, apply, ops):
    m = make(2, 3, batch=5)
    y = m.op("Transpose", m.op("Transpose", "x"))
    assert ops(apply(m.model(m.op("Not", y)), "merge-transposes")) == {"Not": 1}


def test_one_that_is_also_read_otherwise_stays(make, apply, ops):
    m = make(2, 3, 4)
    y = m.op("Transpose", "x", perm=[0, 2, 3, 1])
    z = m.op("Transpose", y, perm=[0, 3, 1, 2])
    result = apply(m.model(m.op("Not", y), m.op("Not", z)), "merge-transposes")
    assert ops(result) == {"Transpose": 1, "Not": 2}


def test_what_reads_an_input_may_be_the_output(make, apply, ops):
    m = make(2, 3, 4)
    y = m.op("Transpose", m.op("Transpose", "x", perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    assert ops(apply(m.model(y), "merge-transposes")) == {"Transpose": 1}


def test_an_output_is_made_without_it(make, apply, ops):
    m = make(2, 3, 4)
    y = m.op("Transpose", m.op("Not", "x"), perm=[0, 2, 3, 1])
    y = m.op("Transpose", y, perm=[0, 3, 1, 2])
    assert ops(apply(m.model(y), "merge-transposes")) == {"Not": 1}
