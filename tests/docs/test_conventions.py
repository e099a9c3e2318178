"""The recipes of docs/conventions.md, run as they stand there, against the tools themselves."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto

from lgnx.converters.torchlogix import import_torchlogix
from lgnx.ops import OPERATORS
from lgnx.ops.tables import pack_tables

logic_dense, logic_conv, logic_conv_transpose, group_sum, thermometer, pack_bits, or_pool = (
    OPERATORS[name].reference
    for name in (
        "LogicDense",
        "LogicConv",
        "LogicConvTranspose",
        "GroupSum",
        "Thermometer",
        "PackBits",
        "OrPool",
    )
)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def text(docs_importable):
    return (docs_importable / "conventions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    """What the code on the page defines."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def layers():
    return import_torchlogix().layers


def every_input(k):
    """All 2^k inputs, the address of each being its row."""
    return (np.arange(2**k)[:, None] >> np.arange(k) & 1).astype(bool)


# Gates: what difflogic documents for each number, written down from there.
GATES = [
    lambda a, b: 0,
    lambda a, b: a & b,
    lambda a, b: a & (1 - b),
    lambda a, b: a,
    lambda a, b: b & (1 - a),
    lambda a, b: b,
    lambda a, b: a ^ b,
    lambda a, b: a | b,
    lambda a, b: 1 - (a | b),
    lambda a, b: 1 - (a ^ b),
    lambda a, b: 1 - b,
    lambda a, b: a | (1 - b),
    lambda a, b: 1 - a,
    lambda a, b: b | (1 - a),
    lambda a, b: 1 - (a & b),
    lambda a, b: 1,
]


def test_every_gate_of_difflogic_becomes_its_table(page):
    x = every_input(2)
    for number, function in enumerate(GATES):
        tables = np.array([[page.swap_gate(number)]], np.uint8)
        y = logic_dense(x, np.array([[0, 1]], np.int32), tables)[:, 0]
        assert y.tolist() == [bool(function(int(a), int(b))) for a, b in x], number
        assert page.swap_gate(page.swap_gate(number)) == number


def test_torchlogix_numbers_its_gates_as_difflogic_does():
    functional = import_torchlogix().functional

    for a, b in itertools.product((0, 1), repeat=2):
        ops = functional.compute_all_logic_ops_vectorized(
            torch.tensor(float(a)), torch.tensor(float(b))
        )
        assert ops.tolist() == [function(a, b) for function in GATES]


def test_the_table_of_gates_is_right(page, text):
    pairs = re.findall(r"\| (\d+) \| ([^|]+) \| `(0x[0-9A-F])` ", text)
    assert sorted(int(number) for number, _, _ in pairs) == list(range(16))
    for number, words, table in pairs:
        assert int(table, 16) == page.swap_gate(int(number))
        expression = words.replace("XOR", "!=").lower()
        for a, b in itertools.product((False, True), repeat=2):
            value = eval(expression, {"a": a, "b": b})
            assert bool(value) == bool(GATES[int(number)](int(a), int(b))), words


@pytest.mark.parametrize(
    ("kind", "k"),
    [("raw", 2), *itertools.product(["warp", "light"], [2, 4, 6])],
)
def test_tables_of_torchlogix_become_ours_and_back(page, layers, kind, k):
    torch.manual_seed(k)
    layer = layers.LogicDense(24, 48, lut_rank=k, parametrization=kind).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.randn_like(layer.weight))
    luts = layer.parametrization.get_luts(layer.weight).numpy().astype(bool)
    indices, tables = layer.connections.indices.T.numpy(), page.from_torchlogix(luts)
    x = np.random.default_rng(k).random((400, 24)) < 0.5
    expected = layer(torch.from_numpy(x).float()).detach().numpy() > 0.5
    np.testing.assert_array_equal(logic_dense(x, indices.astype(np.int32), tables), expected)
    np.testing.assert_array_equal(page.to_torchlogix(tables, k), luts)
    # The other recipe: the tables as they are, the inputs the other way round.
    flipped = logic_dense(x, indices[:, ::-1].astype(np.int32), pack_tables(luts))
    np.testing.assert_array_equal(flipped, expected)
    # None of them is right by chance.
    assert (logic_dense(x, indices.astype(np.int32), pack_tables(luts)) != expected).any()


@pytest.mark.parametrize(("kind", "k"), [("raw", 2), ("warp", 2), ("light", 2), ("light", 4)])
def test_numbers_of_torchlogix_become_tables_and_back(page, layers, kind, k):
    torch.manual_seed(k)
    layer = layers.LogicDense(24, 48, lut_rank=k, parametrization=kind)
    with torch.no_grad():
        layer.weight.copy_(torch.randn_like(layer.weight))
    luts, numbers = layer.parametrization.get_luts_and_ids(layer.weight)
    np.testing.assert_array_equal(page.bits_of_number(numbers.numpy(), k), luts.numpy())
    np.testing.assert_array_equal(page.number_of_bits(luts.numpy()), numbers.numpy())
    if k == 2:
        tables = page.from_torchlogix(luts.numpy())[:, 0]
        assert [page.swap_gate(int(n)) for n in numbers] == tables.tolist()


def test_equal_weights_are_for_the_lowest_gate(layers):
    layer = layers.LogicDense(2, 1).eval()
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, [7, 9]] = 1.0
    _, numbers = layer.parametrization.get_luts_and_ids(layer.weight)
    assert numbers.tolist() == [7]


def test_tables_of_dwn_are_ours(page):
    luts = np.array([[-1.0, 0.5, 0.0, -0.1]])  # x_0 and not x_1
    y = logic_dense(every_input(2), np.array([[0, 1]], np.int32), page.from_dwn(luts))
    assert y[:, 0].tolist() == [False, True, False, False]


def test_learned_connections_are_those_that_torchlogix_takes(page, layers):
    torch.manual_seed(0)
    layer = layers.LogicDense(
        40, 30, connections="learnable", connections_kwargs={"num_candidates": 5}
    )
    chosen = page.chosen_torchlogix(
        layer.connections.indices.numpy(), layer.connections.weights.detach().numpy()
    )
    np.testing.assert_array_equal(chosen, layer.connections.resolve_connections().numpy().T)


def test_learned_connections_of_dwn_belong_to_slots_of_neurons(page):
    weights = np.zeros((5, 6))
    weights[[4, 0, 2, 2, 1, 3], np.arange(6)] = 1
    assert page.chosen_dwn(weights, 3).tolist() == [[4, 0, 2], [2, 1, 3]]
    assert page.chosen_dwn(np.zeros((5, 2)), 2).tolist() == [[0, 0]]


def lookup_table(x, indices, table, input_bits):
    """LookupTable of qonnx.custom_op.lnn from its formulas, a sample and a neuron at a time."""
    y = np.zeros((len(x), len(indices)), table.dtype)
    for sample, neuron in np.ndindex(*y.shape):
        address = 0
        for slot, source in enumerate(indices[neuron]):
            address += int(x[sample, source]) * 2 ** (input_bits * slot)
        y[sample, neuron] = table[neuron, address]
    return y


@settings(max_examples=25, deadline=None)
@given(input_bits=st.integers(1, 3), out_bits=st.integers(1, 4), k=st.integers(1, 3), seed=SEEDS)
def test_neurons_of_numbers_become_neurons_of_bits(page, input_bits, out_bits, k, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2**input_bits, (20, 6), np.uint8)
    indices = rng.integers(0, 6, (5, k))
    table = rng.integers(0, 2**out_bits, (5, 2 ** (k * input_bits)), np.uint8)
    wires, tables = page.neurons_of_bits(indices, table, input_bits, out_bits)
    bits = page.bits_of(x, input_bits)
    np.testing.assert_array_equal(page.numbers_of(bits, input_bits), x)
    y = page.numbers_of(logic_dense(bits, wires, tables), out_bits)
    np.testing.assert_array_equal(y, lookup_table(x, indices, table, input_bits))


def lookup_table_conv(x, indices, table, depth, kernel_shape, strides, pads):
    """LookupTableConv of qonnx.custom_op.lnn from its formulas, an output at a time."""
    d, rank = len(kernel_shape), indices.shape[-1]
    padded = np.pad(x, [(0, 0), *((pads[a], pads[d + a]) for a in range(d)), (0, 0)])
    extents = [
        (n - w) // s + 1 for n, w, s in zip(padded.shape[1:-1], kernel_shape, strides, strict=True)
    ]
    y = np.zeros((len(x), *extents, len(indices)), table.dtype)
    for sample, *place, kernel in np.ndindex(*y.shape):
        window = padded[sample]
        for a in range(d):
            window = window.take(
                range(place[a] * strides[a], place[a] * strides[a] + kernel_shape[a]), a
            )
        flat = window.ravel()
        level = [[flat[i] for i in leaf] for leaf in indices[kernel]]
        row = 0
        for _ in range(depth):
            outputs = []
            for inputs in level:
                address = sum(int(bit) * 2**slot for slot, bit in enumerate(inputs))
                outputs.append(table[kernel, row, address])
                row += 1
            level = [outputs[i : i + rank] for i in range(0, len(outputs), rank)]
        y[(sample, *place, kernel)] = level[0][0]
    return y


@settings(max_examples=20, deadline=None)
@given(d=st.integers(2, 3), rank=st.integers(2, 3), depth=st.integers(1, 2), seed=SEEDS)
def test_convolutions_of_lnn_become_ours_and_back(page, d, rank, depth, seed):
    rng = np.random.default_rng(seed)
    channels, kernels = 3, 2
    kernel_shape, strides = rng.integers(1, 4, d).tolist(), rng.integers(1, 3, d).tolist()
    pads = rng.integers(0, 3, 2 * d).tolist()
    x = rng.random((2, *rng.integers(3, 5, d), channels)) < 0.5
    size = channels * int(np.prod(kernel_shape))
    indices = rng.integers(0, size, (kernels, rank ** (depth - 1), rank))
    nodes = sum(rank**level for level in range(depth))
    table = rng.random((kernels, nodes, 2**rank)) < 0.5
    ours, tables = page.from_lnn_conv(indices, table, channels, kernel_shape)
    y = logic_conv(np.moveaxis(x, -1, 1), ours, tables, kernel_shape, depth, strides, pads)
    expected = lookup_table_conv(x, indices, table, depth, kernel_shape, strides, pads)
    np.testing.assert_array_equal(np.moveaxis(y, 1, -1), expected)
    back = page.to_lnn_conv(ours, tables, rank, channels, kernel_shape)
    np.testing.assert_array_equal(back[0], indices)
    np.testing.assert_array_equal(back[1], table)


def test_gathering_is_a_convolution_of_single_leaves(page):
    rng = np.random.default_rng(0)
    x = rng.random((2, 4, 5, 3)) < 0.5
    indices = rng.integers(0, 12, (4, 1, 3))
    ours = page.channel_first(indices, 3, [2, 2]).reshape(-1, 1).astype(np.int32)
    tables = np.full((12, 1, 1), 0x2, np.uint8)
    y = logic_conv(np.moveaxis(x, -1, 1), ours, tables, [2, 2])
    got = np.moveaxis(y, 1, -1).reshape(2, 3, 4, 4, 3)
    for row, column, kernel, slot in np.ndindex(3, 4, 4, 3):
        window = x[:, row : row + 2, column : column + 2].reshape(2, -1)
        expected = window[:, indices[kernel, 0, slot]]
        np.testing.assert_array_equal(got[:, row, column, kernel, slot], expected)


def torchlogix_layer(layers, name, **arguments):
    torch.manual_seed(1)
    layer = getattr(layers, name)(channels=3, num_kernels=4, **arguments).eval()
    with torch.no_grad():
        for weight in layer.tree_weights:
            weight.copy_(torch.randn_like(weight))
    return layer


CONVOLUTIONS = {
    "2d": dict(in_dim=(6, 5), receptive_field_size=(3, 2), tree_depth=2, stride=2, padding=1),
    "2d of four inputs": dict(
        in_dim=(5, 5), receptive_field_size=3, tree_depth=2, lut_rank=4, parametrization="light"
    ),
    "2d of six inputs": dict(
        in_dim=(5, 5), receptive_field_size=3, tree_depth=1, lut_rank=6, parametrization="warp"
    ),
    "3d": dict(in_dim=(4, 5, 3), receptive_field_size=(2, 3, 2), tree_depth=3, padding=1),
}


@pytest.mark.parametrize("arguments", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutions_of_torchlogix_become_ours_and_back(page, layers, arguments):
    d = len(arguments["in_dim"])
    layer = torchlogix_layer(layers, f"LogicConv{d}d", **arguments)
    kernel_shape = list(layer.receptive_field_size)
    first = layer.connections.indices[0].numpy()
    indices = page.torchlogix_leaves(first, kernel_shape)
    tables = page.torchlogix_trees(layer.get_luts())
    x = np.random.default_rng(0).random((5, 3, *arguments["in_dim"])) < 0.5
    y = logic_conv(
        x,
        indices,
        tables,
        kernel_shape,
        layer.tree_depth,
        [layer.stride] * d,
        [layer.padding] * 2 * d,
    )
    expected = layer(torch.from_numpy(x).float()).detach().numpy()
    np.testing.assert_array_equal(y, expected > 0.5)
    back = page.torchlogix_coordinates(indices, layer.lut_rank, kernel_shape)
    np.testing.assert_array_equal(back, first[:, :, 0])


@pytest.mark.parametrize(
    "arguments",
    [
        dict(in_dim=(4, 3), receptive_field_size=3, stride=2, padding=1, output_padding=1),
        dict(in_dim=(3, 2, 3), receptive_field_size=2, stride=2, padding=0, output_padding=0),
        dict(in_dim=(3, 4), receptive_field_size=2, stride=1, padding=1),
    ],
)
def test_transposed_convolutions_of_torchlogix_become_ours(page, layers, arguments):
    d = len(arguments["in_dim"])
    layer = torchlogix_layer(layers, f"LogicConvTranspose{d}d", tree_depth=2, **arguments)
    kernel_shape = list(layer.receptive_field_size)
    indices = page.torchlogix_leaves(layer.connections.indices[0].numpy(), kernel_shape)
    tables = page.torchlogix_trees(layer.get_luts())
    x = np.random.default_rng(0).random((5, 3, *arguments["in_dim"])) < 0.5
    y = logic_conv_transpose(
        x,
        indices,
        tables,
        kernel_shape,
        2,
        [arguments["stride"]] * d,
        [arguments["padding"]] * 2 * d,
        [arguments.get("output_padding", 0)] * d,
    )
    expected = layer(torch.from_numpy(x).float()).detach().numpy()
    np.testing.assert_array_equal(y, expected > 0.5)


def test_windows_of_uneven_extents_do_not_run_transposed_in_torchlogix(layers):
    layer = torchlogix_layer(
        layers,
        "LogicConvTranspose2d",
        in_dim=(4, 4),
        receptive_field_size=(3, 2),
        stride=2,
        tree_depth=1,
    )
    with pytest.raises(RuntimeError):
        layer(torch.zeros(1, 3, 4, 4))


def test_transposed_windows_are_those_of_convtranspose_the_other_way_round():
    rng = np.random.default_rng(0)
    x = rng.random((1, 1, 4, 3)) < 0.5
    for row, column in np.ndindex(3, 2):
        kernel = torch.zeros(1, 1, 3, 2)
        kernel[0, 0, 3 - 1 - row, 2 - 1 - column] = 1
        expected = torch.nn.functional.conv_transpose2d(
            torch.from_numpy(x).float(), kernel, stride=2, padding=1, output_padding=1
        )
        y = logic_conv_transpose(
            x,
            np.array([[row * 2 + column]], np.int32),
            np.array([[[0x2]]], np.uint8),
            [3, 2],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
        )
        np.testing.assert_array_equal(y, expected.numpy() > 0.5)


def test_pooling_of_torchlogix_is_or(layers):
    x = np.random.default_rng(0).random((2, 3, 7, 6)) < 0.2
    y = or_pool(x, [3, 3], [2, 2], [1] * 4)
    expected = layers.OrPooling2d(3, 2, 1)(torch.from_numpy(x).float()).numpy()
    np.testing.assert_array_equal(y, expected > 0.5)


FINITE = {"allow_nan": False, "allow_infinity": False}


@settings(max_examples=100, deadline=None)
@given(
    x=hnp.arrays(np.float32, 4, elements=st.floats(width=32, allow_nan=False)),
    t=hnp.arrays(np.float32, 3, elements=st.floats(width=32, **FINITE)),
)
def test_strict_and_inclusive_float_thresholds_are_neighbours(page, x, t):
    x = np.concatenate([x, t])  # equality is the case that matters
    inclusive, strict = page.next_threshold(t), page.previous_threshold(t)
    np.testing.assert_array_equal(thermometer(x, t, 1), thermometer(x, inclusive, 0))
    np.testing.assert_array_equal(thermometer(x, t, 0), thermometer(x, strict, 1))
    assert inclusive.dtype == strict.dtype == np.float32


def test_strict_and_inclusive_integer_thresholds_are_neighbours(page):
    x, t = np.arange(-128, 128).astype(np.int8), np.arange(-127, 127).astype(np.int8)
    np.testing.assert_array_equal(thermometer(x, t, 1), thermometer(x, page.next_threshold(t), 0))
    np.testing.assert_array_equal(
        thermometer(x, t, 0), thermometer(x, page.previous_threshold(t), 1)
    )


def test_bits_of_features_lie_as_torchlogix_has_them(page, layers):
    rng = np.random.default_rng(0)
    x = rng.random((6, 5)).astype(np.float32)
    t = np.sort(rng.random((5, 4)).astype(np.float32))
    x[0] = t[:, 1]  # equal is not above
    expected = layers.FixedBinarization(torch.from_numpy(t))(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(page.feature_major(thermometer(x, t)), expected > 0.5)


def test_bits_of_channels_lie_as_torchlogix_has_them(page, layers):
    rng = np.random.default_rng(0)
    x = rng.random((2, 3, 4, 5)).astype(np.float32)
    t = np.sort(rng.random((3, 4)).astype(np.float32))
    layer = layers.FixedBinarization(torch.from_numpy(t), feature_dim=1)
    y = page.channel_major(thermometer(x, t[:, None, None]))
    np.testing.assert_array_equal(y, layer(torch.from_numpy(x)).numpy() > 0.5)


def test_learned_thresholds_are_those_of_each_version(page, layers):
    given = torch.tensor([[0.2, 0.5, 0.8], [-1.0, -0.5, 2.0]])
    layer = layers.LearnableBinarization(given).eval()
    raw = layer.raw_diffs.detach().numpy()
    now = page.learned_thresholds(raw, layer.temperature_softplus, (0, 2, 2))
    np.testing.assert_allclose(now, layer.get_thresholds().detach().numpy(), rtol=1e-6)
    before = page.learned_thresholds(raw, layer.temperature_softplus, (0, 2, 1))
    np.testing.assert_allclose(before, given.numpy(), rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(shared=st.booleans(), seed=SEEDS)
def test_multithreshold_counts_an_inclusive_thermometer(page, shared, seed):
    from qonnx.custom_op.general.multithreshold import multithreshold

    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, (2, 3, 4, 5)).astype(np.float32)
    t = np.sort(rng.integers(-4, 5, (1 if shared else 3, 7)).astype(np.float32))
    bits = thermometer(x, t[:, None, None], strict=0)
    count = bits.sum(-1).astype(np.float32)
    np.testing.assert_array_equal(0.5 * count - 1, multithreshold(x, t, 0.5, -1.0))
    np.testing.assert_array_equal(count[..., None] > np.arange(7), bits)


@settings(max_examples=50, deadline=None)
@given(fraction_bits=st.integers(0, 8), seed=SEEDS)
def test_fixed_point_implies_above_and_is_the_same_on_its_grid(page, fraction_bits, seed):
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(40, 1)) * 4, rng.normal(size=9) * 4
    x[:9, 0] = t
    fixed = page.fixed_point(x, fraction_bits) > page.fixed_point(t, fraction_bits)
    assert not (fixed & ~(x > t)).any()
    grid = np.round(x * 2**fraction_bits) / 2**fraction_bits
    fixed = page.fixed_point(grid, fraction_bits) > page.fixed_point(t, fraction_bits)
    np.testing.assert_array_equal(fixed, grid > t)


@pytest.mark.parametrize("tau", [1.0, 3.0, 0.3])
@pytest.mark.parametrize("beta", [0.0, 0.1, -7.3])
def test_scores_of_torchlogix_have_beta_as_bias(layers, tau, beta):
    x = np.random.default_rng(0).random((300, 60)) < np.linspace(0, 1, 300)[:, None]
    expected = layers.GroupSum(3, tau=tau, beta=beta)(torch.from_numpy(x).float()).numpy()
    y = group_sum(x, 3, bias=beta, tau=tau)
    np.testing.assert_array_equal(y.view(np.int32), expected.view(np.int32))


def test_the_order_of_bias_and_tau_matters():
    x = np.tri(65, 64, -1, dtype=bool)
    first = group_sum(x, 1, bias=0.1, tau=3.0)
    last = group_sum(x, 1, tau=3.0, beta=float(np.float32(0.1) / np.float32(3)))
    assert (first != last).any()
    assert first.dtype == last.dtype == np.float32


def test_groups_of_dwn_are_filled_with_zeros(page):
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 6, (8, 2)).astype(np.int32)
    tables = rng.integers(0, 16, (8, 1), np.uint8)
    x = rng.random((50, 6)) < 0.5
    bits = logic_dense(x, indices, tables)
    y = group_sum(logic_dense(x, *page.padded_groups(indices, tables, 3)), 3)
    expected = np.pad(bits, [(0, 0), (0, 1)]).reshape(50, 3, 3).sum(-1)
    np.testing.assert_array_equal(y, expected)
    order = rng.permutation(8)
    y = group_sum(
        logic_dense(x, *page.permuted(indices, tables, order)), 2, dtype=TensorProto.INT32
    )
    np.testing.assert_array_equal(y, bits[:, order].reshape(50, 2, 4).sum(-1))


@pytest.mark.parametrize("batch", [0, 1, 7, 8, 9, 63, 64, 65, 130])
@pytest.mark.parametrize("b", [8, 16, 32, 64])
def test_packed_words_are_the_same_bytes(page, batch, b):
    x = np.random.default_rng(batch).random((batch, 5)) < 0.5
    words = page.words_of(pack_bits(x), b, batch)
    assert words.shape == (5, -(-batch // b))
    for sample, n in np.ndindex(*x.shape):
        assert int(words[n, sample // b]) >> sample % b & 1 == x[sample, n]
    np.testing.assert_array_equal(page.words64_of(words, batch), pack_bits(x))
    if b == 8:
        np.testing.assert_array_equal(words, np.packbits(x.T, axis=1, bitorder="little"))


def test_the_package_is_the_version_that_the_page_names(text):
    from importlib.metadata import version

    assert f"torchlogix {version('torchlogix')}" in text
    assert f"qonnx {version('qonnx')}" in text
