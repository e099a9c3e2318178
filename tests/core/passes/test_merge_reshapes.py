from __future__ import annotations


def test_only_the_last_of_reshapes_stays(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([-1, 2, 3]))
    y = m.op("Not", m.op("Reshape", y, m.constant([-1, 3, 2])))
    result = apply(m.model(y), "merge-reshapes")
    assert ops(result) == {"Reshape": 1, "Not": 1}


def test_a_reshape_that_is_also_read_otherwise_stays(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([-1, 2, 3]))
    z = m.op("Reshape", y, m.constant([-1, 6]))
    result = apply(m.model(m.op("Not", y), m.op("Not", z)), "merge-reshapes")
    assert ops(result) == {"Reshape": 1, "Not": 2}


def test_a_reshape_to_the_same_shape_goes(make, apply, ops):
    m = make(6)
    y = m.op("Not", m.op("Reshape", m.op("Not", "x"), m.constant([-1, 6])))
    assert ops(apply(m.model(y), "merge-reshapes")) == {"Not": 2}


def test_an_extent_that_is_copied_is_not_that_of_the_first(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([-1, 2, 3]))
    y = m.op("Reshape", y, m.constant([0, 0, 1, 3]))
    assert ops(apply(m.model(y), "merge-reshapes")) == {"Reshape": 2}


def test_an_output_keeps_its_node(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([-1, 6]))
    assert ops(apply(m.model(y), "merge-reshapes")) == {"Reshape": 1}


def test_the_first_extent_may_be_copied(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([0, 2, 3]))
    y = m.op("Not", m.op("Reshape", y, m.constant([0, 6])))
    assert ops(apply(m.model(y), "merge-reshapes")) == {"Not": 1}


def test_a_first_extent_that_changes_is_not_copied(make, apply, ops):
    m = make(6)
    y = m.op("Reshape", "x", m.constant([-1, 3]))
    y = m.op("Not", m.op("Reshape", y, m.constant([0, 3, 1])))
    assert ops(apply(m.model(y), "merge-reshapes")) == {"Reshape": 2, "Not": 1}
