"""C of networks, compiled and compared with onnxruntime."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

import lgnx
from lgnx.converters.c99 import write_c
from lgnx.converters.formats import write_model
from lgnx.metadata import CLASS_NAMES, with_metadata
from lgnx.ops.errors import InputError, ModelError
from tests.converters.c99_build import Compiled, build, compilers

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")

FLOATS = ("FLOAT16", "FLOAT", "DOUBLE")
INTEGERS = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
SETTINGS = {  # width of a word, words of a line, style, flag of the compiler
    "code": (64, 8, "code", "-O0"),
    "table": (64, 8, "table", "-O1"),
    "code-32": (32, 1, "code", "-Os"),
    "table-32": (32, 1, "table", "-O0"),
    "word": (64, 1, "code", "-O1"),
    "odd": (32, 3, "code", "-O1"),
    "vectors-32": (32, 8, "table", "-O3"),
    "plain": (64, 4, "code", "-DPLAIN"),
}


def dense_model(make, n_inputs, width, groups, seed=0, **scale):
    m = make(n_inputs)
    rng = np.random.default_rng(seed)
    y = m.dense(m.dense("x", n_inputs, 60, 2, rng), 60, width, 2, rng)
    return m.model(m.op("GroupSum", y, groups=groups, **scale) if groups else y)


def thermometer_model(make, kind, strict, alike=False):
    """Thresholds at the ends of the type, between, and infinite ones."""
    dtype = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
    rng = np.random.default_rng(len(kind))
    if dtype.kind == "f":
        limits = rng.normal(0, 1, (1 if alike else 5, 4)).astype(dtype)
        limits[0] = [-np.inf, -0.0, np.finfo(dtype).smallest_subnormal, np.inf]
        limits[-1, 0] = np.finfo(dtype).max
    else:
        info = np.iinfo(dtype)
        limits = rng.integers(info.min, info.max, (1 if alike else 5, 4), dtype, endpoint=True)
        limits[0, :2] = info.min, info.max
    m = make(5, dtype=getattr(TensorProto, kind))
    bits = m.op("Thermometer", "x", m.constant(limits), strict=int(strict))
    flat = m.op("Reshape", bits, m.constant([0, 20]))
    return m.model(m.op("GroupSum", m.dense(flat, 20, 60, 2, rng), groups=3))


def table_model(make, table, n_inputs=3):
    """Networks of one gate, of constants, of inputs and their complements."""
    m = make(n_inputs)
    indices = np.array([[0, 2], [1, 2], [0, 1], [2, 1]], np.int32)
    tables = np.full((4, 1), table, np.uint8)
    return m, m.op("LogicDense", "x", m.constant(indices), m.constant(tables))


def argmax_model(make):
    m = make(9)
    y = m.dense("x", 9, 30, 2, np.random.default_rng(4))
    return m.model(m.op("ArgMax", m.op("GroupSum", y, groups=5), axis=1, keepdims=0))


def few_inputs(make, kind):
    """A network that reads few of its inputs."""
    m = make(6, 10, dtype=getattr(TensorProto, kind))
    rng = np.random.default_rng(5)
    x = "x"
    if kind != "BOOL":
        limits = rng.integers(1, 9, (6, 10, 3)).astype(
            helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
        )
        x = m.op("Thermometer", "x", m.constant(limits))
    flat = m.op("Reshape", x, m.constant([0, 60 if kind == "BOOL" else 180]))
    return m.model(m.op("GroupSum", m.dense(flat, 12, 20, 2, rng), groups=2))


def cases(make):
    found = {
        "bits": dense_model(make, 20, 70, 0),
        "bits of two sections": dense_model(make, 20, 150, 0),
        "groups of two sections": dense_model(make, 30, 600, 2),
        "large groups": dense_model(make, 70, 3000, 3),
        "one group": dense_model(make, 7, 40, 1),
        "small groups": dense_model(make, 300, 12, 6),
        "float": dense_model(make, 20, 60, 3, tau=0.7, bias=1.1, beta=-0.25),
        "overflow": dense_model(make, 20, 60, 3, tau=1e-38, bias=3e38, beta=-3e38),
        "double": dense_model(make, 20, 60, 3, tau=1.3, bias=0.1, dtype=TensorProto.DOUBLE),
        "int32": dense_model(
            make, 9, 60, 3, bias=2.0**31 - 128, beta=99.0, dtype=TensorProto.INT32
        ),
        "int64": dense_model(make, 9, 60, 3, bias=-(2.0**63), beta=-1.0, dtype=TensorProto.INT64),
        "argmax": argmax_model(make),
    }
    for kind in FLOATS:
        found[kind] = thermometer_model(make, kind, strict=True)
        found[f"{kind} or equal"] = thermometer_model(make, kind, strict=False)
    for number, kind in enumerate(INTEGERS):
        found[kind] = thermometer_model(make, kind, strict=number % 2 == 1)
    found["alike"] = thermometer_model(make, "FLOAT", strict=True, alike=True)
    for kind in ("BOOL", "FLOAT", "INT16"):
        found[f"few of {kind}"] = few_inputs(make, kind)
    for table in (0xF, 0x3, 0x8):
        m, y = table_model(make, table)
        found[f"table {table:x}"] = m.model(y)
        m, y = table_model(make, table)
        found[f"count {table:x}"] = m.model(m.op("GroupSum", y, groups=2))
    return found


def inputs_of(model):
    """Corner batches: random, all zeros, ones, one hot, every threshold, the type's ends."""
    network = lgnx.Network.from_model(model)
    dtype, shape = network.input_dtype, network.input_shape
    rng = np.random.default_rng(0)
    size = network.features
    x = [rng.integers(0, 2, (n, size)) for n in (0, 1, 63, 64, 65, 600)]
    x += [np.zeros((3, size)), np.ones((3, size)), np.eye(size)]
    x = [part.astype(dtype) for part in x]
    if network.thresholds is not None:
        limits = network.thresholds
        x += [np.ascontiguousarray(limits.T)]
        x.append(rng.choice(limits.ravel(), (130, size)))
        if dtype.kind == "f":
            with np.errstate(over="ignore"):
                x.append(np.nextafter(limits.T, dtype.type(np.inf)).astype(dtype))
                x.append(np.nextafter(limits.T, dtype.type(-np.inf)).astype(dtype))
            ends = [np.nan, np.inf, -np.inf, 0.0, -0.0]
        else:
            ends = [np.iinfo(dtype).min, np.iinfo(dtype).max]
        x.append(rng.choice(np.array(ends, dtype), (65, size)))
    return [part.reshape(-1, *shape) for part in x]


def expected(model, x):
    """Of onnxruntime; scores, where the model gives classes."""
    network = lgnx.Network.from_model(model)
    if network.argmax:
        return network.scores(x)
    session = lgnx.InferenceSession(model.SerializeToString())
    outputs = network.groups or network.netlist.n_outputs
    return session.run(None, {"x": x})[0].reshape(len(x), outputs)


def write_all(models, folder, word, line, style):
    """Files of many networks; their prefixes are n0, n1, ..."""
    written = []
    for number, model in enumerate(models):
        path = folder / f"n{number}.c"
        assert write_c(model, path, word=word, line=line, style=style) == [
            path,
            path.with_suffix(".h"),
        ]
        written.append(path)
    return written


def compile_all(models, folder, setting="code", *flags, compiler="gcc"):
    word, line, style, flag = SETTINGS[setting]
    paths = write_all(models, folder, word, line, style)
    if flag == "-DPLAIN":
        flags = (*flags, *(f"-D{path.stem.upper()}_PLAIN" for path in paths))
    else:
        flags = (*flags, flag)
    library = build(paths, folder / "all.so", "-shared", "-fPIC", *flags, compiler=compiler)
    networks = map(lgnx.Network.from_model, models)
    return [
        Compiled(library, path.with_suffix(".h"), path.stem, network)
        for path, network in zip(paths, networks, strict=True)
    ]


@pytest.fixture(scope="module")
def every(make):
    found = cases(make)
    return {name: (model, inputs_of(model)) for name, model in found.items()}


@pytest.fixture(scope="module")
def results(every):
    return {name: [expected(model, x) for x in inputs] for name, (model, inputs) in every.items()}


SOME = ("groups of two sections", "bits of two sections", "FLOAT16", "few of FLOAT")


@pytest.mark.parametrize("setting", SETTINGS)
def test_c_gives_what_onnxruntime_gives(every, results, tmp_path, setting):
    names = list(every) if setting in ("code", "table-32") else SOME
    compiled = compile_all([every[name][0] for name in names], tmp_path, setting)
    for name, c in zip(names, compiled, strict=True):
        inputs = every[name][1]
        for x, y in zip(inputs, results[name], strict=True):
            np.testing.assert_array_equal(c.run(x), y, name)
            np.testing.assert_array_equal(c.predict(x[:5]), y[:5], name)
            if c.network.groups:
                assert c.classes(y) == y.argmax(axis=1).tolist(), name


@pytest.mark.parametrize("compiler", compilers())
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_every_compiler_is_silent(every, tmp_path, compiler, level):
    models = [every[name][0] for name in ("float", "FLOAT16", "few of FLOAT", "bits", "count f")]
    for style in ("code", "table"):
        (tmp_path / style).mkdir()
        for path in write_all(models, tmp_path / style, 64, 8, style):
            build([path], tmp_path / "o", "-c", level, compiler=compiler)
            build([path], tmp_path / "o", "-c", f"-D{path.stem.upper()}_PLAIN", compiler=compiler)


@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
def test_the_header_is_for_cpp_as_well(every, tmp_path):
    (path,) = write_all([every["float"][0]], tmp_path, 64, 8, "code")
    build([path], tmp_path / "net.o", "-c")
    (tmp_path / "main.cpp").write_text(
        '#include "n0.h"\n'
        "static n0_word scratch[N0_SCRATCH];\n"
        "int main() {\n"
        "  n0_input x[N0_INPUTS] = {}; n0_score y[N0_OUTPUTS];\n"
        "  n0_predict(x, y, scratch);\n"
        "  return static_cast<int>(n0_class(y));\n"
        "}\n"
    )
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run(["g++", *flags, "main.cpp", "net.o", "-o", "main"], cwd=tmp_path, check=True)
    x = np.zeros((1, 20), bool)
    run = subprocess.run([tmp_path / "main"])
    assert run.returncode == expected(every["float"][0], x).argmax()


def test_nothing_is_allocated_and_only_memory_functions_are_called(every, tmp_path):
    for style in ("code", "table"):
        models = [every[name][0] for name in ("double", "FLOAT16", "bits", "few of FLOAT")]
        for path in write_all(models, tmp_path, 64, 8, style):
            target = build([path], tmp_path / "net.o", "-c", "-O2")
            listed = subprocess.run(["nm", "-u", target], capture_output=True, text=True).stdout
            assert set(listed.split()) - {"U"} <= {"memcpy", "memset"}


@pytest.mark.parametrize("style", ["code", "table"])
def test_sanitizers_find_nothing(every, results, tmp_path, style):
    """In a process of its own: samples and scratch memory end where the arrays end."""
    for name in (
        "groups of two sections",
        "FLOAT16" if style == "code" else "few of FLOAT",
        "bits",
    ):
        model, inputs = every[name]
        (path,) = write_all([model], tmp_path, 64, 2, style)
        (tmp_path / "main.c").write_text(STDIN_MAIN)
        flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        build([path, tmp_path / "main.c"], tmp_path / "main", *flags)
        x = np.concatenate(inputs)
        run = subprocess.run([tmp_path / "main"], input=x.tobytes(), capture_output=True)
        assert run.returncode == 0, run.stderr.decode()[:3000]
        assert run.stdout == np.concatenate(results[name]).tobytes()


STDIN_MAIN = """\
#include <stdio.h>
#include <stdlib.h>
#include "n0.h"
int main(void) {
  n0_word *scratch = malloc(N0_SCRATCH * sizeof(n0_word));
  size_t n = 0;
  n0_input *x = malloc(1 << 20), *exact;
  n0_score *y;
  n = fread(x, sizeof(n0_input) * N0_INPUTS, (1 << 20) / sizeof(n0_input) / N0_INPUTS, stdin);
  exact = malloc(n * N0_INPUTS * sizeof(n0_input));
  for (size_t i = 0; i < n * N0_INPUTS; ++i) exact[i] = x[i];
  y = malloc(n * N0_OUTPUTS * sizeof(n0_score));
  n0_run(exact, n, y, scratch);
  fwrite(y, sizeof(n0_score) * N0_OUTPUTS, n, stdout);
  free(scratch), free(x), free(exact), free(y);
  return 0;
}
"""


def random_network(make, seed, n_inputs, groups, widths, k):
    rng = np.random.default_rng(seed)
    m = make(n_inputs)
    y, width = "x", n_inputs
    for wide in widths:
        y = m.dense(y, width, wide * max(groups, 1), k, rng)
        width = wide * max(groups, 1)
    return m.model(m.op("GroupSum", y, groups=groups) if groups else y)


SHAPES = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.integers(0, 4),
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.integers(1, 3),
)


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example is compiled
)
@given(shapes=st.lists(SHAPES, min_size=4, max_size=6))
@pytest.mark.parametrize("setting", ["code", "table-32"])
def test_random_networks(make, tmp_path_factory, setting, shapes):
    models = [random_network(make, *shape) for shape in shapes]
    compiled = compile_all(models, tmp_path_factory.mktemp("c"), setting)
    for model, c in zip(models, compiled, strict=True):
        for x in inputs_of(model):
            np.testing.assert_array_equal(c.run(x), expected(model, x))


def test_more_lines_than_sixteen_bits_count(make, tmp_path):
    rng = np.random.default_rng(0)
    m = make(70_000)
    y = m.dense("x", 70_000, 20_000, 2, rng)
    model = m.model(m.op("GroupSum", y, groups=2))
    (c,) = compile_all([model], tmp_path, "table-32")
    assert "typedef uint32_t n0_slot;" in (tmp_path / "n0.c").read_text()
    x = rng.integers(0, 2, (33, 70_000)).astype(bool)
    np.testing.assert_array_equal(c.run(x), expected(model, x))


def test_words_and_lines_can_be_chosen_when_compiling(every, results, tmp_path):
    model, inputs = every["groups of two sections"]
    (path,) = write_all([model], tmp_path, 64, 8, "code")
    for word, line in ((32, 1), (64, 2), (32, 5)):
        flags = (f"-DN0_WORD={word}", f"-DN0_LINE={line}")
        library = build([path], tmp_path / f"{word}-{line}.so", "-shared", "-fPIC", *flags)
        c = Compiled(library, path.with_suffix(".h"), "n0", lgnx.Network.from_model(model), flags)
        for x, y in zip(inputs, results["groups of two sections"], strict=True):
            np.testing.assert_array_equal(c.run(x), y)


def test_what_would_round_differently_is_not_compiled(every, tmp_path):
    (path,) = write_all([every["float"][0]], tmp_path, 64, 8, "code")
    for flag in ("-ffast-math", "-DN0_WORD=16", "-DN0_LINE=0"):
        run = subprocess.run(["gcc", "-c", flag, path, "-o", tmp_path / "o"], capture_output=True)
        assert run.returncode != 0
        assert b"#error" in run.stderr


def test_names_and_metadata_cannot_break_out(make, tmp_path):
    hostile = ["*/ int x;", "??/", 'a"b\\', "ünïcödé 🙂", "line\nbreak\\\n", "/* ?\x00", "%s", "</"]
    model = with_metadata(
        dense_model(make, 8, 16, 8),
        {
            CLASS_NAMES: hostile,
            "*/ #error": "*/\n#error out\n/*",
            "end\\": "??/\n*/??/\r\n#error \\",
            "lgnx.accuracy": "0.5",
        },
    )
    path = tmp_path / "net.c"
    write_model(model, path, format="c")
    for compiler in compilers():
        library = build([path], tmp_path / "net.so", "-shared", "-fPIC", compiler=compiler)
    table = (ctypes.c_char_p * len(hostile)).in_dll(ctypes.CDLL(str(library)), "net_names")
    assert [name.decode() for name in table] == [name.split("\0")[0] for name in hostile]
    header = (tmp_path / "net.h").read_text()
    line = next(line for line in header.splitlines() if "end" in line)
    parsed = json.loads("{" + line.removeprefix(" * ") + "}")
    assert parsed == {"end\\": "??/\n*/??/\r\n#error \\"}
    assert header.count("*/") == header.count("/*")


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("net", "net"), ("my-net.v2", "my_net_v2"), ("2layers", "n2layers"), ("_x_", "x"), ("+", "n")],
)
def test_the_prefix_is_made_of_the_file_name(every, tmp_path, name, prefix):
    write_c(every["bits"][0], tmp_path / f"{name}.c")
    assert f"void {prefix}_run(" in (tmp_path / f"{name}.h").read_text()
    build([tmp_path / f"{name}.c"], tmp_path / "o", "-c")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("net.c", {"prefix": "1st"}, "prefix '1st': must be a letter and up to 39"),
        ("net.c", {"prefix": "a;b"}, "prefix 'a;b'"),
        ("net.c", {"prefix": "_a"}, "prefix '_a'"),
        ("net.c", {"word": 16}, "word: 16, must be 32 or 64"),
        ("net.c", {"line": 0}, "line: 0, must be 1 to 1024"),
        ("net.c", {"style": "goto"}, "style: 'goto', must be auto, code or table"),
        ("net.h", {}, "must end in .c"),
        ('a".c', {}, "letters, digits and _ . [+] - are allowed"),
        ("none/net.c", {}, "cannot write there"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(every, tmp_path, name, options, message):
    with pytest.raises(InputError, match=message):
        write_c(every["bits"][0], tmp_path / name, **options)
    assert os.listdir(tmp_path) == []


def test_a_folder_in_the_way_stops_both_files(every, tmp_path):
    (tmp_path / "net.h").mkdir()
    with pytest.raises(InputError, match=r"net\.h: is a folder"):
        write_c(every["bits"][0], tmp_path / "net.c")
    assert os.listdir(tmp_path) == ["net.h"]


def test_what_c_cannot_say_is_refused_and_named(make, tmp_path):
    m = make(8, dtype=TensorProto.FLOAT)
    y = m.op("Relu", "x")
    with pytest.raises(ModelError, match=r"model.*(Relu|LogicNetwork)"):
        write_c(m.model(y), tmp_path / "net.c")
    m = make(8)
    rng = np.random.default_rng(0)
    two = [m.op("GroupSum", m.dense("x", 8, 8, 2, rng), groups=2) for _ in range(2)]
    with pytest.raises(ModelError, match="n_"):
        write_c(m.model(m.op("Add", *two)), tmp_path / "net.c")
    assert os.listdir(tmp_path) == []


def test_equal_networks_give_equal_files(every, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_c(every["float"][0], tmp_path / folder / "net.c")
    for name in ("net.c", "net.h"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
