"""C sources that difflogic's CompiledLogicNet makes, against the networks they were made of."""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

import lgnx
from lgnx.converters import difflogic_compiled
from lgnx.converters.difflogic_compiled import parse
from lgnx.converters.formats import read_model
from lgnx.converters.gate_numbers import swap_gates
from lgnx.metadata import SOURCE_FORMAT, TRAINING_TOOL, get
from lgnx.network import Network
from lgnx.ops.errors import LgnxError, ModelError
from lgnx.optimize.proof import prove

WORDS = [8, 16, 32, 64]


def network(difflogic: ModuleType, *widths: int, classes: int, tau: float = 1.0) -> nn.Sequential:
    layers = [difflogic.LogicLayer(n, m, device="cpu") for n, m in pairwise(widths)]
    return nn.Sequential(nn.Flatten(), *layers, difflogic.GroupSum(classes, tau=tau))


def source(difflogic: ModuleType, module: nn.Sequential, num_bits: int = 64) -> str:
    return difflogic.CompiledLogicNet(module, num_bits=num_bits).get_c_code()


def assert_proved(got: onnx.ModelProto, module: nn.Sequential) -> None:
    """Assert that a model counts, without tau, what the module counts."""
    width = module[1].in_dim
    expected = Network.from_model(lgnx.export(module, torch.zeros(2, width)))
    network = Network.from_model(got)
    assert network.groups == expected.groups
    assert (network.bias, network.tau, network.beta) == (0, 1, 0)
    assert network.dtype == np.int32
    assert prove(network.netlist, expected.netlist).status == "proved"


@pytest.mark.parametrize("num_bits", WORDS)
def test_the_gates_come_back(difflogic, num_bits: int, tmp_path: Path) -> None:
    module = network(difflogic, 16, 40, 30, 24, classes=3, tau=2.5)
    path = tmp_path / "net.c"
    path.write_text(source(difflogic, module, num_bits))
    model = read_model(path)
    assert [node.op_type for node in model.graph.node] == ["LogicDense"] * 3 + ["GroupSum"]
    assert_proved(model, module)
    assert get(model, SOURCE_FORMAT) == "difflogic-c"
    assert get(model, TRAINING_TOOL) == "difflogic"
    shapes = [list(t.dims) for t in model.graph.initializer if t.name.endswith("indices")]
    assert shapes == [[40, 2], [30, 2], [24, 2]]


@pytest.mark.parametrize("num_bits", WORDS)
def test_every_gate_in_every_layer(difflogic, num_bits: int) -> None:
    module = network(difflogic, 6, 16, 16, 16, classes=2)
    for layer in list(module)[1:-1]:
        layer.weights.data = torch.eye(16)
    model = parse(source(difflogic, module, num_bits), "net.c")
    assert_proved(model, module)


@pytest.mark.parametrize("seed", range(4))
def test_constant_gates_may_stand_anywhere(difflogic, seed: int) -> None:
    torch.manual_seed(seed)
    module = network(difflogic, 8, 12, 9, 12, 6, classes=2)
    for layer in list(module)[1:-1]:
        layer.weights.data[torch.rand(layer.out_dim) < 0.4, 15 * (seed % 2)] += 9
        layer.weights.data[:2, 0] += 20  # where a layer begins and ends
        layer.weights.data[-2:, 15] += 20
    assert_proved(parse(source(difflogic, module), "net.c"), module)


def test_a_network_of_constants_alone(difflogic) -> None:
    module = network(difflogic, 8, 12, 6, classes=2)
    for layer in list(module)[1:-1]:
        layer.weights.data[:, 15] += 99
    model = parse(source(difflogic, module), "net.c")
    y = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": np.zeros((2, 8), bool)})
    assert y[0].tolist() == [[3, 3], [3, 3]]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="difflogic compiles with gcc")
@pytest.mark.parametrize(("num_bits", "batch"), [(8, 100), (64, 65), (32, 64)])
def test_counts_are_those_of_the_compiled_network(
    difflogic, num_bits: int, batch: int, capsys
) -> None:
    # The gates that are left over where the classes do not divide them are not counted.
    module = network(difflogic, 12, 30, 23, classes=3, tau=7)
    compiled = difflogic.CompiledLogicNet(module, num_bits=num_bits)
    compiled.compile(opt_level=0)
    x = np.random.default_rng(0).random((batch, 12)) < 0.5
    expected = compiled(torch.from_numpy(x)).numpy()
    model = parse(compiled.get_c_code(), "net.c")
    (got,) = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_function_is_the_one_that_was_written(difflogic, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    widths = data.draw(st.lists(st.integers(2, 20), min_size=3, max_size=6))
    classes = data.draw(st.integers(1, widths[-1]))
    layers = [
        (rng.integers(0, n, m), rng.integers(0, n, m), rng.choice(16, m, p=_odd(rng)))
        for n, m in pairwise(widths)
    ]
    compiled = difflogic.CompiledLogicNet(None, num_bits=data.draw(st.sampled_from(WORDS)))
    compiled.layers, compiled.num_inputs, compiled.num_classes = layers, widths[0], classes
    model = parse(compiled.get_c_code(), "net.c")
    x = rng.random((130, widths[0])) < 0.5
    bits = x
    for a, b, gates in layers:
        tables = swap_gates(gates)
        bits = (tables >> (bits[:, a] + 2 * bits[:, b].astype(np.uint8)) & 1).astype(bool)
    size = widths[-1] // classes
    counts = bits[:, : classes * size].reshape(len(x), classes, size).sum(-1)
    (got,) = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_array_equal(got, counts)


def _odd(rng: np.random.Generator) -> np.ndarray:
    """Some gates much more often than others, constants among them."""
    weights = rng.random(16) ** 4
    return weights / weights.sum()


# --- What is refused

SMALL = """\
#include <stddef.h>
#include <stdlib.h>
#include <stdbool.h>

void logic_gate_net(long long const *inp, long long *out) {
	const long long v0 = ~inp[2] | inp[1];
	const long long v1 = ~(inp[1] ^ inp[0]);
	const long long v2 = 0LL;
	out[0] = v0 & ~v1;
	out[1] = ~v1;
}
"""


@pytest.fixture(scope="session")
def small(difflogic: ModuleType) -> str:
    """The gates above with what difflogic writes after them."""
    compiled = difflogic.CompiledLogicNet(None, num_bits=64)
    a = np.zeros(2, int)
    compiled.layers = [(a, a, a), (a, a, a)]
    compiled.num_inputs, compiled.num_classes = 3, 2
    return SMALL + compiled.get_c_code().partition("}\n")[2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("void logic_gate_net", "void other", "line 5: 'void other(long long const *inp, long"),
        ("long long *out", "int *out", "line 5: 'void logic_gate_net(long long const *inp, int *o"),
        ("v1 = ~(inp", "v5 = ~(inp", "line 7: v5, must be v1"),
        ("v1 = ~(inp", "v0 = ~(inp", "line 7: v0, must be v1"),
        ("out[1] =", "out[3] =", "line 10: out[3], must be out[1]"),
        ("inp[1] ^ inp[0]", "inp[1] ^ v9", "line 7: reads v9, which is not defined before"),
        ("inp[1] ^ inp[0]", "inp[1] ^ v1", "line 7: reads v1, which is not defined before"),
        ("inp[1] ^ inp[0]", "inp[1] ^ inp[3]", "line 7: reads inp[3], and there are 3 inputs"),
        ("inp[1] ^ inp[0]", "inp[1] ^ v0", "line 7: reads values of layers 0 and 1; gates of"),
        (
            "inp[1] ^ inp[0]",
            "inp[1] + inp[0]",
            "line 7: 'const long long v1 = ~(inp[1] + inp[0]);'",
        ),
        ("v2 = 0LL;", "v2 = 0;", "line 8: 'const long long v2 = 0;' is no gate as difflogic wri"),
        ("v2 = 0LL;", "v2 = 0LL", "line 8: 'const long long v2 = 0LL' is no gate as difflogic"),
        ("out[1] = ~v1", "out[1] = ~inp[0]", "line 10: is a gate of layer 1, outputs before it"),
        ("\tout[0]", "\tout[0] = v0;\n\tconst long long v3 = v0;\n", "line 10: v3 after out[0]"),
        ("\tout[1] = ~v1;\n", "", "the last layer has 1 gates, must have 2"),
        ("\tout[1] = ~v1;\n}", "\tout[1] = ~v1;", "line 12: 'void apply_logic_gate_net (bool con"),
        (
            "malloc(3*",
            "malloc(-3*",
            "line 14: 'long long *inp_temp = malloc(-3*sizeof(long long));', "
            "must be 'long long *inp_temp = malloc(<inputs>*sizeof(long long));'",
        ),
        (
            "d < 3; ++d",
            "d < 4; ++d",
            "line 21: 'for(size_t d = 0; d < 4; ++d) {', must be 'for(siz",
        ),
        ("(64 - b - 1)", "b", "line 25: 'res += !!(inp[i * 3 * 64 + b * 3 + d]);', must be"),
        ("carry ^ out", "carry | out", "must be 'out_temp_o[d] = carry ^ out_temp_o_d;'"),
        ("1LL << b", "1 << b", "must be 'const long long bit_mask = 1LL << b;'"),
        ("a < 1;", "a < 2;", "line 42: 'long long carry = out_temp[c * 1 + a];', must be 'long"),
        ("free(out_temp_o);\n}", "", "nothing, must be 'free(out_temp_o);'"),
        ("free(out_temp_o);\n}", "free(out_temp_o);\n}\nint x;", "'int x;' after the end of"),
    ],
)
def test_other_sources_are_refused_with_the_line(small: str, old: str, new: str, message) -> None:
    assert old in small
    with pytest.raises(ModelError) as error:
        parse(small.replace(old, new), "net.c")
    assert str(error.value).startswith("net.c: ")
    assert message in str(error.value)


def test_the_small_source_is_read(small: str) -> None:
    model = parse(small.replace("\n", "\r\n"), "net.c")  # as other systems end lines
    x = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 1]], bool)
    (y,) = lgnx.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    v0, v1 = ~x[:, 2] | x[:, 1], ~(x[:, 1] ^ x[:, 0])
    np.testing.assert_array_equal(y, np.stack([v0 & ~v1, ~v1], 1))


def test_counts_need_their_bits(small: str) -> None:
    with pytest.raises(ModelError, match=r"^net\.c: counts up to 1 do not fit into 0 bits$"):
        parse(
            small.replace("out_temp_o = malloc(1*", "out_temp_o = malloc(0*")
            .replace("d < 1;", "d < 0;")
            .replace("d = 1 - 1", "d = 0 - 1"),
            "net.c",
        )


def test_the_source_of_one_layer_is_no_c(difflogic) -> None:
    module = network(difflogic, 8, 6, classes=2)
    module[1].weights.data[:, 3] = 9
    with pytest.raises(
        ModelError,
        match=r"^net\.c: line 6: reads v\d, which is not defined before: for a network of one "
        r"layer, difflogic writes C that does not compile$",
    ):
        parse(source(difflogic, module), "net.c")


def test_counts_of_other_gates_than_the_class_has(small: str) -> None:
    text = small.replace("a < 1;", "a < 2;").replace("[c * 1 + a]", "[c * 2 + a]")
    with pytest.raises(
        ModelError,
        match=r"^net\.c: 2 gates of each class are counted, must be 1 for 2 gates and 2 classes$",
    ):
        parse(text, "net.c")


def test_more_classes_than_gates(small: str) -> None:
    text = small.replace("c < 2;", "c < 3;").replace("* 2 + c]", "* 3 + c]")
    text = text.replace("a < 1;", "a < 0;").replace("[c * 1 + a]", "[c * 0 + a]")
    with pytest.raises(ModelError, match=r"^net\.c: no gate is left for each of 3 classes$"):
        parse(text, "net.c")


def test_a_compiled_library_is_refused_and_its_source_named(tmp_path: Path, small: str) -> None:
    path = tmp_path / "net.so"
    path.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(100))
    with pytest.raises(ModelError, match=r"net\.so: is a compiled library, which holds machine c"):
        read_model(path)
    (tmp_path / "net.c").write_text(small)
    with pytest.raises(ModelError, match=r"get_c_code\(\): \S+net\.c lies beside it$"):
        read_model(path)


def test_other_c_is_not_taken_for_difflogic(tmp_path: Path) -> None:
    path = tmp_path / "main.c"
    path.write_text("int main(void) { return 0; }\n")
    with pytest.raises(LgnxError, match="no format that can be read has this suffix"):
        read_model(path)
    with pytest.raises(
        ModelError, match=r"main\.c: line 1: 'int main\(void\) \{ return 0; \}', mu"
    ):
        read_model(path, "difflogic-c")
    path.write_bytes(b"void logic_gate_net\xff")
    with pytest.raises(ModelError, match=r"main\.c: is no text: byte 19 is not UTF-8$"):
        read_model(path)


@pytest.mark.parametrize("text", ["", "\n\n", "#include <stddef.h>\n", "\0"])
def test_empty_files_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"^net\.c: line \d: "):
        parse(text, "net.c")


PIECES = ["0LL", "~", "inp[0]", "v1", "out[0]", ";", "}", "{", "999999999", "\n", "(char)", "int"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 30), st.sampled_from(PIECES)), max_size=4
    )
)
@example([(3000, 0, "}")])
def test_damaged_sources_end_in_an_error_of_lgnx(small: str, edits: list[Any]) -> None:
    text = small
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    with suppress(LgnxError):
        onnx.checker.check_model(parse(text, "net.c"))


@settings(max_examples=200, deadline=None)
@given(st.text() | st.lists(st.sampled_from(SMALL.splitlines())).map("\n".join))
def test_any_text_ends_in_an_error_of_lgnx(text: str) -> None:
    with pytest.raises(ModelError, match=r"^net\.c: "):
        parse(text, "net.c")


def test_the_format_is_registered() -> None:
    assert difflogic_compiled.FORMAT.write is None
    assert ".c" in difflogic_compiled.FORMAT.suffixes
