"""Hand-written torch code on bits: exported, lowered to one network, compared with torch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import lgnx

torch = pytest.importorskip("torch")
F = torch.nn.functional

WIDTH = 12
TABLES = np.random.default_rng(0).random((5, 8)) < 0.5
WIRES = np.random.default_rng(1).integers(0, WIDTH, (5, 3))


class Module(torch.nn.Module):
    """Gives what each of some functions of x gives."""

    def __init__(self, *functions):
        super().__init__()
        self.functions = functions

    def forward(self, x):
        results = tuple(function(x) for function in self.functions)
        return results if len(results) > 1 else results[0]


def groups(x):
    return x.reshape(x.shape[0], 3, 4)


def addresses(x):
    return (x[:, torch.tensor(WIRES)].long() * torch.tensor([1, 2, 4])).sum(-1)


def adder(x):
    carry, total = torch.zeros(x.shape[0], dtype=torch.bool), []
    for i in range(6):
        a, b = x[:, i], x[:, 6 + i]
        total.append(a ^ b ^ carry)
        carry = (a & b) | (carry & (a ^ b))
    return torch.stack([*total, carry], 1)


def life(x):
    cells = x.reshape(-1, 3, 4)
    steps = [s for s in itertools.product((-1, 0, 1), repeat=2) if s != (0, 0)]
    n = sum(torch.roll(cells.int(), s, (1, 2)) for s in steps)
    return (n == 3) | (cells & (n == 2))


def written(x):
    y = x.clone()
    y[:, 3] = x[:, 0] & x[:, 1]
    return y ^ x.roll(1, 1)


def padded(x):
    more = torch.zeros(x.shape[0], 3, dtype=torch.bool)
    return F.pad(torch.cat([more, x], 1), (1, 2), value=True) ^ F.pad(x, (3, 3))


LOGIC = {
    "where": lambda x: torch.where(x[:, :6], x[:, 6:], ~x[:, 6:]),
    "any and all": lambda x: torch.stack([x.any(1), x.all(1)], 1),
    "any of a stack": lambda x: torch.stack([x, x.roll(1, 1), ~x.flip(1)]).any(0),
    "bitwise functions": lambda x: torch.bitwise_xor(x, ~x.roll(2, 1)).logical_or(x.roll(1, 1)),
    "unfold": lambda x: x.unfold(1, 4, 2).any(-1),
    "index_select": lambda x: x.index_select(1, torch.tensor([3, 1])) & x[:, [0, 5]],
    "assignment": written,
    "padding": padded,
    "chunks": lambda x: torch.cat(
        [a & b for a, b in zip(x.chunk(3, 1), x.flip(1).chunk(3, 1), strict=True)], 1
    ),
    "expand": lambda x: (groups(x).unsqueeze(2) & groups(x).unsqueeze(1)).flatten(1),
    "gather": lambda x: torch.gather(x, 1, torch.arange(11, -1, -1).expand(x.shape[0], 12)) ^ x,
    "triangle": lambda x: (groups(x) & torch.ones(3, 4, dtype=torch.bool).tril()).any(-1),
    "masks": lambda x: x.masked_fill(x[:, :1], False)[:, torch.arange(12) % 2 == 0],
    "full": lambda x: torch.full((x.shape[0], 4), True) & x[:, :4] | torch.zeros_like(x[:, :4]),
    "repeat": lambda x: x.repeat(1, 2) ^ x.repeat_interleave(2, 1),
    "ripple adder": adder,
    "products of floats": lambda x: (x.float()[:, :6] * (1 - x.float()[:, 6:])).bool(),
    "uint8": lambda x: (x[:, :6].to(torch.uint8) & ~x[:, 6:].to(torch.uint8)) == 1,
}

NUMBERS = {
    "count": lambda x: x.sum(1, keepdim=True) > 5,
    "majority": lambda x: (x[:, :4].int() + x[:, 4:8].int() + x[:, 8:].int()) >= 2,
    "each count": lambda x: x.sum(1, keepdim=True) == torch.arange(13),
    "parity": lambda x: x.sum(1, keepdim=True) % 2 == 1,
    "parity of prefixes": lambda x: x.long().cumsum(1) % 2 == 1,
    "mean": lambda x: x.float().mean(1, keepdim=True) > 0.5,
    "largest count": lambda x: groups(x).float().sum(-1).max(-1, keepdim=True)[0] == 4,
    "class": lambda x: groups(x).sum(-1).argmax(-1, keepdim=True) == torch.arange(3),
    "class of scaled scores": lambda x: (groups(x).sum(-1) / 0.7 + 1.5).argmax(-1) == 2,
    "one hot class": lambda x: F.one_hot(groups(x).sum(-1).argmin(-1), 3).bool(),
    "clamped vote": lambda x: (groups(x).sum(1) - 1).clamp(0, 1).bool(),
    "rounded share": lambda x: (x.float().sum(1, keepdim=True) / 12).clamp(0.25, 0.75).round() > 0,
    "weights": lambda x: (x.float() @ torch.tensor([[1.0, -2], [3, 1]] * 6)) > 0,
    "binary layer": lambda x: F.linear(x.float() * 2 - 1, torch.tensor([[1.0, -1] * 6])).sign() > 0,
    "linear": lambda x: F.linear(x.float(), torch.ones(2, 12), torch.tensor([2.0, -3])) >= 4,
    "convolution": lambda x: F.conv1d(x.float().unsqueeze(1), torch.ones(2, 1, 3), padding=1) > 1,
    "words": lambda x: addresses(x)[:, :2] > addresses(x)[:, 2:4],
    "game of life": life,
}

LOOKUPS = {
    "a table for each": lambda x: torch.tensor(TABLES)[torch.arange(5), addresses(x)],
    "one table": lambda x: torch.tensor(TABLES[0])[addresses(x)],
    "gathered": lambda x: torch.gather(
        torch.tensor(TABLES).expand(x.shape[0], 5, 8), 2, addresses(x).unsqueeze(-1)
    ).squeeze(-1),
    "numbers": lambda x: torch.tensor(TABLES).float()[torch.arange(5), addresses(x)] > 0.5,
    "embedding": lambda x: F.embedding(addresses(x), torch.tensor(TABLES.T.astype(np.float32))) > 0,
}

THERMOMETERS = {
    "several thresholds": lambda x: torch.cat([x > 0.25, x > 0.5, x >= 0.75], 1).roll(1, 1) ^ True,
    "stacked thresholds": lambda x: torch.stack([x > 0.25, x > 0.5], -1).flatten(1) ^ True,
    "a row of thresholds": lambda x: (
        (x.unsqueeze(-1) > torch.tensor([0.25, 0.5])).flatten(1) ^ True
    ),
    "between": lambda x: (x > 0.25) & (x < 0.75),
    "parts": lambda x: ((x[:, :3] > 0.5) | (x[:, 3:6] <= 0.25)) ^ (x.flip(1)[:, :3] == 0.5),
}


def bits(width=WIDTH):
    rng = np.random.default_rng(0)
    yield from (rng.random((n, width)) < 0.5 for n in (1, 63, 64, 65, 500))
    yield from (np.zeros((2, width), bool), np.ones((3, width), bool), np.eye(width, dtype=bool))


def numbers():
    rng = np.random.default_rng(0)
    corners = np.array([0.25, 0.5, 0.75, np.nan, np.inf, -np.inf, 0, 1], np.float32)
    for n in (1, 64, 65):
        yield rng.choice(np.concatenate([corners, rng.random(8, np.float32)]), (n, WIDTH))


FAMILIES = {"logic": LOGIC, "numbers": NUMBERS, "lookups": LOOKUPS, "thermometers": THERMOMETERS}
NAMES = [(family, name) for family, functions in FAMILIES.items() for name in functions]


@pytest.fixture(scope="module")
def networks():
    """The network of all functions of a family, exported and lowered once."""
    made = {}

    def give(family):
        if family not in made:
            x = torch.rand(3, WIDTH)
            sample = x if family == "thermometers" else x > 0.5
            _, made[family] = lowered(sample, *FAMILIES[family].values())
        return made[family]

    return give


def lowered(sample, *functions):
    model = lgnx.export(Module(*functions), sample)
    return model, lgnx.lower(model, to="network")


def agree(function, network, batches, output=0):
    session = lgnx.InferenceSession(network, fuse=False)
    for x in batches:
        with torch.no_grad():
            expected = function(torch.from_numpy(x)).numpy()
        actual = session.run(None, {session.get_inputs()[0].name: x})[output]
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_one_network(networks, family):
    kinds = [node.op_type for node in networks(family).graph.node]
    assert set(kinds) <= {"LogicNetwork", "Slice", "Reshape"}
    assert kinds.count("LogicNetwork") == 1


def test_comparisons_of_the_input_are_its_thresholds(networks):
    network = networks("thermometers").graph.node[0]
    assert (network.op_type, len(network.input)) == ("LogicNetwork", 3)


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_the_network_gives_what_torch_gives(networks, family, name):
    functions = FAMILIES[family]
    batches = numbers() if family == "thermometers" else bits()
    agree(functions[name], networks(family), batches, list(functions).index(name))


def test_scores_and_classes_of_hand_written_code_become_a_network_with_groups():
    def scores(x):
        votes = x ^ x.roll(1, 1)
        return (votes.reshape(x.shape[0], 3, -1).sum(-1) / 2.0).argmax(-1)

    model, network = lowered(torch.rand(3, WIDTH) > 0.5, scores)
    assert [node.op_type for node in network.graph.node] == ["LogicNetwork", "ArgMax"]
    found = lgnx.Network.from_model(model)
    assert (found.groups, found.tau, found.argmax) == (3, 2.0, True)
    agree(scores, network, bits())


def test_counts_that_need_no_gates_become_a_network_too():
    def scores(x):
        return torch.cat([x > 0.25, x > 0.5], 1).reshape(x.shape[0], 4, -1).sum(-1)

    _, network = lowered(torch.rand(3, WIDTH), scores)
    assert [node.op_type for node in network.graph.node] == ["LogicNetwork"]
    agree(scores, network, numbers())


def test_numbers_that_leave_are_made_by_ordinary_onnx():
    def total(x):
        return torch.exp(-(x ^ x.roll(1, 1)).float()).sum(1)

    _, network = lowered(torch.rand(3, WIDTH) > 0.5, total)
    kinds = [node.op_type for node in network.graph.node]
    assert kinds.count("LogicNetwork") == 1
    assert kinds[-2:] == ["Exp", "ReduceSum"]


def test_several_inputs_and_outputs_are_one_network():
    class Pair(torch.nn.Module):
        def forward(self, a, b):
            return a & b, (a ^ b).sum(1, keepdim=True) > 3

    model = lgnx.export(Pair(), (torch.rand(3, 6) > 0.5, torch.rand(3, 6) > 0.5))
    network = lgnx.lower(model)
    assert [n.op_type for n in network.graph.node].count("LogicNetwork") == 1
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 65, 6)) < 0.5
    session = lgnx.InferenceSession(network)
    names = [value.name for value in session.get_inputs()]
    found = session.run(None, dict(zip(names, (a, b), strict=True)))
    np.testing.assert_array_equal(found[0], a & b)
    np.testing.assert_array_equal(found[1], (a ^ b).sum(1, keepdims=True) > 3)
