from __future__ import annotations

import contextlib
import os
import stat

import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto

import lgnx
from lgnx.files import as_ir, as_proto, atomic_path, model_name
from lgnx.ops.errors import InputError, ModelError


@pytest.fixture
def model(make) -> onnx.ModelProto:
    m = make(4, dtype=TensorProto.FLOAT)
    return m.model(m.op("Relu", "x"))


def test_a_saved_model_is_loaded(model, tmp_path):
    lgnx.save(model, tmp_path / "m.onnx")
    assert lgnx.load(tmp_path / "m.onnx") == model


def test_a_new_file_has_the_usual_permissions(model, tmp_path):
    (tmp_path / "usual").write_text("")
    lgnx.save(model, tmp_path / "m.onnx")
    usual, made = (stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("usual", "m.onnx"))
    assert made == usual


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_text("old")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.onnx"]


def test_a_folder_that_cannot_be_written_to_is_named(model, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(InputError, match=r"m\.onnx: cannot write there"):
            lgnx.save(model, folder / "m.onnx")


@pytest.fixture
def ordinary_user():
    """Nobody's rights for a while where the tests run as root, who may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_read_only_folder_is_named(model, tmp_path, ordinary_user):
    with contextlib.suppress(PermissionError):  # it belongs to root then
        tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"m\.onnx: cannot write there: Permission denied"):
        lgnx.save(model, tmp_path / "m.onnx")


def test_an_output_that_is_a_folder_is_named(model, tmp_path):
    (tmp_path / "m.onnx").mkdir()
    with pytest.raises(InputError, match=r"m\.onnx: cannot write there"):
        lgnx.save(model, tmp_path / "m.onnx")
    assert os.listdir(tmp_path) == ["m.onnx"]


def test_a_model_may_come_in_every_form(model, tmp_path):
    path = tmp_path / "m.onnx"
    lgnx.save(model, path)
    for form in (path, str(path), model.SerializeToString(), model, as_ir(model)):
        assert [node.op_type for node in as_proto(form).graph.node] == ["Relu"]
    assert isinstance(as_ir(path), ir.Model)
    assert (model_name(path), model_name(model)) == (str(path), "model")


def test_anything_else_is_refused(tmp_path):
    with pytest.raises(InputError, match="a model is a path, bytes or a ModelProto, not int"):
        as_proto(7)
    with pytest.raises(ModelError, match="is a folder, not an ONNX file"):
        lgnx.load(tmp_path)
