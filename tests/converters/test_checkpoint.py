"""Checkpoints are read without running code of theirs, whatever they are."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
import sys
import tarfile
import types
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from lgnx.converters.checkpoint import (
    Stub,
    checkpoint_head,
    class_path,
    find_module,
    find_state,
    load_checkpoint,
    state_dict,
    submodules,
)
from lgnx.ops.errors import LgnxError, ModelError


def saved(folder: Path, value: Any, **options: Any) -> Path:
    path = folder / "net.pt"
    torch.save(value, path, **options)
    return path


class Net(nn.Module):
    """What a user may have written."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(4, 2))
        self.register_buffer("shift", torch.arange(3))
        self.width, self.names, self.seen = 4, ["a", "b"], {1, 2}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rest(self.first(x + self.shift))


# --------------------------------------------------------------------------- what is read


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_is_read_as_it_is(tmp_path: Path, zipped: bool) -> None:
    net = Net()
    path = saved(tmp_path, net.state_dict(), _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(path)
    assert list(loaded) == list(net.state_dict())
    assert all(torch.equal(loaded[name], value) for name, value in net.state_dict().items())
    assert checkpoint_head(path)


def test_a_whole_module_becomes_stubs_with_its_attributes(tmp_path: Path) -> None:
    net = Net()
    loaded = load_checkpoint(saved(tmp_path, net))
    assert type(loaded) is not Net
    assert isinstance(loaded, Stub)
    assert class_path(loaded) == f"{Net.__module__}.Net"
    assert (loaded.width, loaded.names, loaded.seen, loaded.training) == (4, ["a", "b"], {1, 2}, 1)
    assert torch.equal(loaded.first.weight, net.first.weight)
    assert torch.equal(loaded.shift, net.shift)
    assert {name: class_path(part) for name, part in submodules(loaded).items()} == {
        "first": "torch.nn.modules.linear.Linear",
        "rest": "torch.nn.modules.container.Sequential",
    }
    state = state_dict(loaded)
    assert list(state) == list(net.state_dict())
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    with pytest.raises(AttributeError, match=r"\.Net has no attribute 'depth' in the checkpoint"):
        _ = loaded.depth


def test_classes_of_modules_that_do_not_exist_become_stubs(tmp_path: Path) -> None:
    code = "import torch\nclass Gone(torch.nn.Module):\n    '''Was here.'''\n"
    module = types.ModuleType("no_such_package.layers")
    exec(code, module.__dict__)
    sys.modules.update({"no_such_package": types.ModuleType("no_such_package")})
    sys.modules[module.__name__] = module
    try:
        gone = module.Gone()
        gone.indices = (torch.arange(3), torch.arange(3))
        path = saved(tmp_path, nn.Sequential(gone))
    finally:
        del sys.modules["no_such_package"], sys.modules[module.__name__]
    layer = submodules(load_checkpoint(path))["0"]
    assert class_path(layer) == "no_such_package.layers.Gone"
    assert layer.indices[1].tolist() == [0, 1, 2]
    assert "no_such_package" not in sys.modules


DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16]
DTYPES += [torch.uint32, torch.uint64, torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_of_every_dtype_are_read(tmp_path: Path, dtype: torch.dtype) -> None:
    value = torch.arange(6).to(dtype).reshape(2, 3)
    views = {"all": value, "view": value[:, 1:], "wide": value[:1].expand(5, 3)}
    loaded = load_checkpoint(saved(tmp_path, views))
    assert all(torch.equal(loaded[name], views[name]) for name in views)
    assert all(loaded[name].dtype == dtype for name in views)


def test_plain_data_beside_the_tensors_is_read(tmp_path: Path) -> None:
    value = {"epoch": 3, "loss": [0.5, None, True], "steps": Counter({4: 1}), "raw": b"\x00\xff"}
    value |= {"z": 1j, "shape": torch.Size([2]), "type": torch.float64, "on": torch.device("cpu")}
    assert load_checkpoint(saved(tmp_path, value)) == value


def test_the_state_dict_is_found_where_scripts_put_it(tmp_path: Path) -> None:
    net = Net()
    names = list(net.state_dict())
    wrapped = {f"module.{name}": value for name, value in net.state_dict().items()}
    cases: list[Any] = [net.state_dict(), net, {"epoch": 1, "model": net}, nn.DataParallel(net)]
    cases += [{"epoch": 1, "state_dict": net.state_dict()}, {"model": {"state_dict": wrapped}}]
    for value in cases:
        loaded = load_checkpoint(saved(tmp_path, value))
        assert list(find_state(loaded)) == names
        module = find_module(loaded)
        assert (module is None) == (not isinstance(value, nn.Module) and "model" not in value) or (
            isinstance(value, dict) and isinstance(value.get("model"), dict)
        )


def test_what_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    nested: dict[str, Any] = {}
    nested["model"] = nested
    for value in ({}, {"a": 3}, [torch.zeros(3)], 7, nested, nn.ReLU()):
        loaded = load_checkpoint(saved(tmp_path, value))
        with pytest.raises(ModelError, match=r"^holds no tensors by name, must hold a module or"):
            find_state(loaded)


def test_a_module_that_is_part_of_itself_is_refused(tmp_path: Path) -> None:
    net = Net()
    vars(net)["_modules"]["self"] = net
    loaded = load_checkpoint(saved(tmp_path, net))
    with pytest.raises(ModelError, match=r"^its module 'self\.self\..* is part of itself"):
        find_state(loaded)


# --------------------------------------------------------------------------- what is refused


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


class Sets:
    """Has a `__setstate__` of its own, and a state that is no dict."""

    def __getstate__(self) -> Any:
        return ["touch", "me"]

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("code of the file's class was run")


class Dunder:
    """Wants another `__setstate__` in its place."""

    def __getstate__(self) -> Any:
        return {"__setstate__": 3}


class Given:
    """Is made with arguments."""

    def __new__(cls, *args: Any) -> Given:
        return super().__new__(cls)

    def __getnewargs__(self) -> Any:
        return (1, 2)


def hit(*args: Any) -> None:
    raise AssertionError("code of the file was run")


SAVE = "save its state_dict() instead"
HOSTILE: dict[str, tuple[Any, str]] = {
    "os.system": (Call(os.system, "touch HIT"), f"asks for '{os.system.__module__}.system'"),
    "eval": (Call(eval, "open('HIT', 'w')"), "asks for 'builtins.eval'"),
    "exec": (Call(exec, "open('HIT', 'w')"), "asks for 'builtins.exec'"),
    "getattr": (Call(getattr, 3, "real"), "asks for 'builtins.getattr'"),
    "bytearray": (bytearray(b"abc"), "asks for 'builtins.bytearray'"),
    "partial": (functools.partial(print, "HIT"), "asks for 'functools.partial'"),
    "pathlib": (Path("HIT"), "asks for 'pathlib."),
    "type": (type(None), "asks for 'builtins.type'"),
    "objects of numpy": (np.array([os.system], object), f"'{os.system.__module__}.system'"),
    "functions of numpy": (Call(np.load, "HIT"), "asks for 'numpy."),
    "torch.load": (Call(torch.load, "HIT"), "asks for 'torch.serialization.load'"),
    "torch.jit": (Call(torch.jit.load, "HIT"), "asks for 'torch.jit._serialization.load'"),
    "own function": (Call(hit, 1), f"calls {hit.__module__}.hit, which would run code"),
    "own class": (Call(Net), f"calls {hit.__module__}.Net, which would run code"),
    "own layer": (Call(nn.Linear, 1, 1), "calls torch.nn.modules.linear.Linear, which would"),
    "own state": (Sets(), f"gives a {hit.__module__}.Sets a list, not attributes, which would"),
    "own slots": (Dunder(), f"sets __setstate__ of a {hit.__module__}.Dunder, which would"),
    "arguments": (Given(), f"makes a {hit.__module__}.Given with arguments, which would"),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", HOSTILE)
def test_code_is_refused_by_name_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, zipped: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    value, message = HOSTILE[name]
    for held in (value, OrderedDict(weight=torch.zeros(3), other=value)):
        path = saved(tmp_path, held, _use_new_zipfile_serialization=zipped)
        with pytest.raises(ModelError) as caught:
            load_checkpoint(path)
        text = str(caught.value)
        if not zipped and name in ("own class", "own layer"):
            assert text == f"{path}: holds a whole module as torch wrote it before 1.6; {SAVE}"
            continue
        assert text.startswith(f"{path}: refused: it ")
        assert message in text
    assert [file.name for file in tmp_path.iterdir()] == ["net.pt"]


def test_names_of_python_2_are_refused_as_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02ccommands\ngetoutput\nX\x02\x00\x00\x00ls\x85R.")
    with pytest.raises(ModelError, match=r"net.pt: refused: it asks for 'subprocess.getoutput'"):
        load_checkpoint(path)


def test_a_class_that_was_allowed_elsewhere_is_a_stub_here(tmp_path: Path) -> None:
    path = saved(tmp_path, {"sets": Sets()})
    before = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([Sets]):
        with pytest.raises(ModelError, match=r"gives a .*Sets a list"):
            load_checkpoint(path)
        assert set(torch.serialization.get_safe_globals()) == {*before, Sets}
    assert set(torch.serialization.get_safe_globals()) == before


def test_what_is_no_checkpoint_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    script = torch.jit.trace(nn.ReLU(), torch.zeros(1))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", bytes(10_000_000))
    cases: list[tuple[Any, str]] = [
        (b"", "is empty"),
        (b"hello", "is no checkpoint of torch"),
        (pickle.dumps([1, 2]), "is no checkpoint of torch"),
        (tar.getvalue(), "is a tar archive of torch 0.1; save it again with a later torch"),
        (packed.getvalue(), "its zip archive is compressed, which torch does not write"),
        (b"PK\x03\x04" + bytes(100), "is truncated or damaged: File is not a zip file"),
        (script, "is a TorchScript archive; save the module's state_dict instead"),
    ]
    for content, message in cases:
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.jit.save(content, path)
        with pytest.raises(ModelError) as caught:
            load_checkpoint(path)
        assert str(caught.value) == f"{path}: {message}"
    torch.save({"a": torch.zeros(3)}, path, pickle_protocol=4)
    with pytest.raises(ModelError, match=r"net.pt: has a pickle of protocol 4, torch reads"):
        load_checkpoint(path)
    with pytest.raises(ModelError, match=r"gone.pt: cannot be read: no such file$"):
        load_checkpoint(tmp_path / "gone.pt")
    with pytest.raises(ModelError, match=r": cannot be read: Is a directory$"):
        load_checkpoint(tmp_path)


def test_a_tensor_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"weight": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(ModelError, match=r"has a tensor of 4,398,046,511,104 bytes, of which"):
        load_checkpoint(path)


# --------------------------------------------------------------------------- what is damaged


def whole(zipped: bool) -> bytes:
    file = io.BytesIO()
    value = {"model": Net(), "state": Net().state_dict(), "epoch": 3}
    torch.save(value if zipped else value["state"], file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


WHOLE = {zipped: whole(zipped) for zipped in (True, False)}


@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_told_so(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "net.pt"
    for size in range(0, len(WHOLE[zipped]) - 1, 97):
        path.write_bytes(WHOLE[zipped][:size])
        with pytest.raises(ModelError, match=r"net.pt: is (empty|no checkpoint|truncated)"):
            load_checkpoint(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zipped=st.booleans(),
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=6)), max_size=6),
)
def test_a_damaged_file_ends_in_an_error_of_ours_or_is_read(
    tmp_path_factory: pytest.TempPathFactory, zipped: bool, changes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(WHOLE[zipped])
    for place, patch in changes:
        start = place % len(data)
        data[start : start + len(patch)] = patch
    path = tmp_path_factory.mktemp("damaged") / "net.pt"
    path.write_bytes(data)
    with contextlib.suppress(LgnxError):
        find_state(load_checkpoint(path))


def operations() -> st.SearchStrategy[bytes]:
    """Pickles that are mostly well formed, with the names of tensors and classes."""
    names = [b"collections\nOrderedDict\n", b"torch._utils\n_rebuild_tensor_v2\n", b"a.b\nC\n"]
    names += [b"torch\nFloatStorage\n", b"torch.nn.modules.linear\nLinear\n", b"torch\nSize\n"]
    names += [b"torch._utils\n_rebuild_parameter_with_state\n", b"__builtin__\nset\n"]
    names += [b"_codecs\nencode\n", b"torch.storage\nUntypedStorage\n", b"torch\ndevice\n"]
    asked = st.sampled_from(names).map(lambda name: b"c" + name)
    plain = st.sampled_from([b"N", b"]", b"}", b")", b"(", b"\x88", b"K\x03", b"J\xff\xff\xff\x7f"])
    text = st.sampled_from([b"storage", b"0", b"cpu", b"__class__", b"weight", b"_modules"])
    said = text.map(lambda t: b"X" + len(t).to_bytes(4, "little") + t)
    acts = [b"R", b"b", b"\x81", b"s", b"u", b"a", b"e", b"t", b"\x85", b"\x86", b"\x87", b"Q"]
    acts += [b"q\x00", b"h\x00", b"q\x01", b"h\x01"]
    return st.lists(st.one_of(asked, plain, said, st.sampled_from(acts)), max_size=40).map(
        lambda parts: b"\x80\x02" + b"".join(parts) + b"."
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pickled=operations())
def test_any_pickle_ends_in_an_error_of_ours_or_is_read(
    tmp_path_factory: pytest.TempPathFactory, pickled: bytes
) -> None:
    path = tmp_path_factory.mktemp("pickle") / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickled)
        archive.writestr("net/version", b"3\n")
        archive.writestr("net/data/0", bytes(64))
    with contextlib.suppress(LgnxError):
        load_checkpoint(path)
