"""Sample files: read and written in batches, whole or not at all, never changing a value."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgnx.data import FORMATS, cast_exact, fit_batch, open_reader, open_writer
from lgnx.ops.errors import InputError, MissingExtraError


def read_all(path: Path, size: int = 7, name: str | None = None) -> np.ndarray:
    return np.concatenate(list(open_reader(path, name=name).batches(size)))


def write_all(path: Path, array: np.ndarray, size: int = 7, name: str = "y") -> None:
    with open_writer(path, [name]) as writer:
        for start in range(0, max(len(array), 1), size):
            writer.write({name: array[start : start + size]})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65])
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str, dtype: str, rows: int) -> None:
    rng = np.random.default_rng(rows)
    array = (rng.normal(size=(rows, 3)) * 100).astype(dtype)
    path = tmp_path / f"data{suffix}"
    write_all(path, array)
    reader = open_reader(path)
    result = read_all(path)
    assert reader.row_shape == (3,)
    assert reader.rows in (rows, None)
    np.testing.assert_array_equal(
        fit_batch(result, (3,), dtype, flat=reader.flat, text=suffix == ".csv", where="x"), array
    )
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_keep_their_shape_and_numpy_reads_them(tmp_path: Path) -> None:
    array = np.arange(5 * 2 * 3, dtype=np.int16).reshape(5, 2, 3)
    write_all(tmp_path / "a.npy", array)
    write_all(tmp_path / "a.npz", array, name="scores")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), array)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["scores"], array)


def test_npz_and_tables_take_several_outputs(tmp_path: Path) -> None:
    outputs = {"s": np.eye(2, dtype=np.float32), "c": np.array([0, 1])}
    for suffix in (".npz", ".csv", ".parquet"):
        with open_writer(tmp_path / f"o{suffix}", list(outputs)) as writer:
            writer.write(outputs)
    assert set(np.load(tmp_path / "o.npz")) == {"s", "c"}
    assert (tmp_path / "o.csv").read_text() == "s_0,s_1,c\n1.0,0.0,0\n0.0,1.0,1\n"
    assert open_reader(tmp_path / "o.parquet").row_shape == (3,)
    with pytest.raises(InputError, match="holds one array and the model gives s, c"):
        open_writer(tmp_path / "o.npy", list(outputs))


def test_batches_have_the_size_asked_for(tmp_path: Path) -> None:
    array = np.arange(10, dtype=np.float32).reshape(10, 1)
    for suffix in FORMATS:
        path = tmp_path / f"a{suffix}"
        write_all(path, array)
        assert [len(b) for b in open_reader(path).batches(4)] == [4, 4, 2]
    with pytest.raises(InputError, match="must be at least 1"):
        next(open_reader(path).batches(0))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_fortran_order_and_compression_are_read(tmp_path: Path, suffix: str) -> None:
    array = np.asfortranarray(np.arange(30).reshape(10, 3))
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, array)
    else:
        np.savez_compressed(path, array)
    np.testing.assert_array_equal(read_all(path, 4), array)


def test_npz_picks_the_array_by_name_where_there_are_several(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros((1, 2)), z=np.ones((1, 2)))
    np.testing.assert_array_equal(read_all(path, name="z"), np.ones((1, 2)))
    with pytest.raises(InputError, match=r"holds x, z; one array, or one named 'y'"):
        open_reader(path, name="y")


def test_csv_understands_headers_separators_words_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for text in (
        "a,b\n1,0\n\n0,1\n",
        "1;0\n0;1",
        "1\t0\r\n0\t1\r\n",
        "True,False\nfalse,true\n",
        '\ufeff"a","b"\n"1","0"\n0,1\n',
    ):
        path.write_text(text, encoding="utf-8")
        np.testing.assert_array_equal(read_all(path), [[1, 0], [0, 1]])


def test_csv_keeps_large_integers_and_rounds_fractions_to_the_model_type(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{2**62 + 1}\n")
    assert read_all(path)[0, 0] == 2**62 + 1
    path.write_text("0.1\n2\n")
    batch = fit_batch(read_all(path), (1,), np.float32, flat=True, text=True, where="a.csv")
    np.testing.assert_array_equal(batch, np.array([[0.1], [2]], np.float32))
    with pytest.raises(InputError, match="float64 values do not fit int32 exactly"):
        fit_batch(read_all(path), (1,), np.int32, flat=True, text=True, where="a.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3\n", "line 2 has 1 columns, the first line has 2"),
        ("1,2\n3,4,5\n", "line 2 has 3 columns"),
        ("1,2\n3,x\n", "line 2, column 2: 'x' is no number"),
        ("1,2\n3,\n", "line 2, column 2: '' is no number"),
    ],
)
def test_bad_csv_names_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_all(path)


def test_an_empty_csv_takes_the_shape_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("")
    batch = fit_batch(read_all(path), (4, 2), np.float32, flat=True, where="a.csv")
    assert batch.shape == (0, 4, 2)
    path.write_text("a,b\n")
    with pytest.raises(InputError, match="2 columns given, the model wants 8"):
        fit_batch(read_all(path), (4, 2), np.float32, flat=True, where="a.csv")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\x00\xff\xfe not at all")
    with pytest.raises(InputError, match=f"a{suffix}"):
        read_all(path)


def test_truncated_files_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="truncated, the header announces"):
        open_reader(path)
    path = tmp_path / "a.npz"
    np.savez(path, np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match="not an npz file, or truncated"):
        open_reader(path)


def test_objects_scalars_strings_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="holds object; only bool, integers and floats"):
        open_reader(path)
    np.save(path, np.float32(3))
    with pytest.raises(InputError, match="holds a single number"):
        open_reader(path)
    with pytest.raises(InputError, match="no such file"):
        open_reader(tmp_path / "none.npy")
    with pytest.raises(InputError, match=r"must end in one of \.npy"):
        open_reader(tmp_path / "a.txt")
    (tmp_path / "d.npy").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        open_reader(tmp_path / "d.npy")


def test_parquet_refuses_text_and_empty_cells(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"a": ["x"]}), path)
    with pytest.raises(InputError, match="column 'a' holds"):
        open_reader(path)
    parquet.write_table(arrow.table({"a": [1.0, None]}), path)
    with pytest.raises(InputError, match="column 'a' has 1 empty cells"):
        read_all(path)


def test_parquet_without_pyarrow_names_the_pip_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[parquet\]'"):
        open_reader(path)
    with pytest.raises(MissingExtraError, match=r"pip install 'lgnx\[parquet\]'"):
        open_writer(tmp_path / "b.parquet", ["y"])


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"

    def half_written() -> None:
        with open_writer(path, ["y"]) as writer:
            writer.write({"y": np.zeros((3, 2))})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        half_written()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_an_output_must_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"folder .*none does not exist"):
        open_writer(tmp_path / "none" / "a.npy", ["y"])


def test_shapes_must_match_and_both_are_named() -> None:
    with pytest.raises(InputError, match=r"shape \[3\] given, the model wants \[2, any\]"):
        fit_batch(np.zeros((1, 3)), (2, None), np.float64, flat=False, where="a")
    with pytest.raises(InputError, match=r"63 columns given, the model wants 64 .*\[8, 8\]"):
        fit_batch(np.zeros((1, 63)), (8, 8), np.float64, flat=True, where="a")
    assert fit_batch(np.zeros((1, 6)), (2, None), np.float64, flat=True, where="a").shape == (
        1, 2, 3,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "source", "target"),
    [
        (0.1, "float64", "float32"),
        (0.5, "float32", "int8"),
        (np.nan, "float32", "int32"),
        (np.inf, "float64", "int64"),
        (300, "int64", "uint8"),
        (-1, "int8", "uint64"),
        (2**64 - 1, "uint64", "int64"),
        (2**63 - 1, "int64", "float64"),
        (2**64 - 1, "uint64", "float32"),
        (2**24 + 1, "int32", "float32"),
        (2, "uint8", "bool"),
        (70000.0, "float32", "float16"),
    ],
)
def test_a_cast_that_would_change_a_value_is_refused(
    value: float, source: str, target: str
) -> None:
    with pytest.raises(InputError, match=f"{source} values do not fit {target} exactly"):
        cast_exact(np.array([[0, value]], source), np.dtype(target), "a")


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5), st.data())
@settings(max_examples=100, deadline=None)
def test_an_accepted_cast_keeps_every_value(values: list[int], data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(["float16", "float32", "float64", "int8", "uint64"]))
    try:
        result = cast_exact(np.array(values), np.dtype(target), "a")
    except InputError:
        exact = [_represents(v, target) for v in values]
        assert not all(exact)
    else:
        assert [int(r) for r in result.tolist()] == values


def _represents(value: int, target: str) -> bool:
    dtype = np.dtype(target)
    if dtype.kind in "iu":
        return np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    with np.errstate(over="ignore"):
        as_float = float(dtype.type(value))
    return np.isfinite(as_float) and int(as_float) == value
