"""Reading checkpoints of torch without running code of theirs.

A checkpoint is a pickle, which can call any function. So its pickle is taken apart first, and every
name in it is looked at. Tensors and plain data are then loaded by torch's restricted unpickler.
Classes of layers, and those of other packages than Python's own, are not imported: their objects
become `Stub` objects, which hold attributes and do nothing; arrays of numpy are put together by
`checkpoint_arrays`. Other names of numpy, of torch and of the standard library are refused, as is a
call of anything else than what makes tensors and arrays.
"""

from __future__ import annotations

import _compat_pickle
import pickletools
import re
import sys
import tarfile
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lgnx.converters.checkpoint_arrays import STAND_INS
from lgnx.ops.errors import LgnxError, ModelError, require

if TYPE_CHECKING:
    import torch

__all__ = [
    "Stub",
    "checkpoint_head",
    "class_path",
    "find_module",
    "find_state",
    "load_checkpoint",
    "state_dict",
    "submodules",
]

# What makes tensors and plain data.
_PLAIN = re.compile(
    r"collections\.(OrderedDict|Counter)|builtins\.(set|complex)|_codecs\.encode|"
    r"torch\._utils\._rebuild_(tensor|tensor_v2|tensor_v3|parameter|parameter_with_state)|"
    r"torch\.nn\.parameter\.Parameter|torch\.(Size|device)|"
    r"torch\.([A-Z][A-Za-z0-9]*Storage|storage\.UntypedStorage)|"
    r"torch\.(bool|half|double|long|(u?int|float|bfloat|complex)\d+\w*)"
)
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_LAYERS = "torch.nn."
_CLOSED = {*sys.stdlib_module_names, "numpy", "torch"}
_OPERATIONS = 10_000_000  # of a pickle; those of large networks have some thousand
_EXPANDED = 1 << 32  # bytes that a tensor may have beyond those of its storage
_DEPTH, _PARTS = 100, 1_000_000  # of a module
_ZIP = b"PK\x03\x04"
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # files from before torch 1.6
_STATES = ("state_dict", "model_state_dict", "model_state", "model", "net", "network")
_WRAPPERS = ("module.", "_orig_mod.")  # of DataParallel and torch.compile
_lock = threading.Lock()


class _RefusedError(Exception):
    """What a stub raises when a checkpoint tries to do something with it."""


class _Uncallable(type):
    """Type of classes that only the unpickler makes objects of."""

    def __call__(cls, *args: Any) -> Any:
        raise _RefusedError(f"calls {cls._path}")  # type: ignore[attr-defined]


class Stub(metaclass=_Uncallable):
    """An object of a class that was not imported: its attributes, and nothing else.

    Parameters, buffers and submodules of a torch module are attributes, as they are of the module.
    """

    _path = ""

    def __new__(cls, *args: Any) -> Stub:
        """Make an object without attributes; only an unpickler gets here."""
        if args:
            raise _RefusedError(f"makes a {cls._path} with arguments")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        path = type(self)._path
        if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
            raise _RefusedError(f"gives a {path} a {type(state).__name__}, not attributes")
        for key in state:
            if key.startswith("__"):
                raise _RefusedError(f"sets {key} of a {path}")
        self.__dict__.update(state)

    def __getattr__(self, name: str) -> Any:
        for part in ("_parameters", "_buffers", "_modules"):
            values = self.__dict__.get(part)
            if isinstance(values, dict) and name in values:
                return values[name]
        raise AttributeError(f"{type(self)._path} has no attribute {name!r} in the checkpoint")

    def __repr__(self) -> str:
        return f"<stub of {type(self)._path}>"


def load_checkpoint(path: str | Path) -> Any:
    """Read what `torch.save` wrote: a state dict, a whole module, or a dict with either.

    Nothing of the file is run, and no class that it names is imported.

    Parameters
    ----------
    path
        A file of torch 1.6 or later, or a state dict of an earlier one.

    Returns
    -------
    object
        Tensors on the CPU, and plain data; objects of classes are `Stub` objects, arrays of numpy
        are `PickledArray` objects, of which ``numpy.asarray`` makes arrays.

    Raises
    ------
    ModelError
        If the file is missing, truncated or no checkpoint, or holds what is refused, which is
        named.
    MissingExtraError
        If torch is not installed.
    """
    require("torch", extra="torch")
    path = Path(path)
    try:
        names = _names(path)
        unknown = [name for name in sorted(names) if not _PLAIN.fullmatch(name)]
        stubs = {name: STAND_INS.get(name) or _stub(name) for name in unknown}
        loaded = _load(path, stubs)
        _check_tensors(loaded)
        return loaded
    except LgnxError as error:
        raise ModelError(f"{path}: {error}") from None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise ModelError(f"{path}: cannot be read: {reason or _reason(error)}") from None


def checkpoint_head(path: Path) -> bytes:
    """First 64 kB of a file, if they are those of a checkpoint; else nothing.

    Most names of a small checkpoint stand in them.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
    except OSError:
        return b""
    return head if head.startswith(_LEGACY) or _is_torch_zip(head) else b""


def _is_torch_zip(head: bytes) -> bool:
    return head.startswith(_ZIP) and b"data.pkl" in head[:1024]


# --------------------------------------------------------------------------- before the load


def _names(path: Path) -> set[str]:
    """Every name that the pickles of a file ask for."""
    with path.open("rb") as file:
        start = file.read(len(_LEGACY))
        file.seek(0)
        if start.startswith(_ZIP):
            return _names_in_zip(file, path.stat().st_size)
        if start == _LEGACY:  # the number, the version, the machine, the object, its tensors
            return {name for _ in range(5) for name in _names_in_pickle(file)}
    if start and tarfile.is_tarfile(path):
        raise ModelError("is a tar archive of torch 0.1; save it again with a later torch")
    raise ModelError("is empty" if not start else "is no checkpoint of torch")


def _names_in_zip(file: BinaryIO, size: int) -> set[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if any(entry.filename.endswith("/constants.pkl") for entry in entries):
                raise ModelError("is a TorchScript archive; save the module's state_dict instead")
            pickles = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
            if len(pickles) != 1:
                raise ModelError("is a zip archive, but no checkpoint of torch (no data.pkl)")
            packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
            if packed or sum(entry.file_size for entry in entries) > size:
                raise ModelError("its zip archive is compressed, which torch does not write")
            with archive.open(pickles[0]) as data:
                return _names_in_pickle(data)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, LgnxError):
            raise
        raise ModelError(f"is truncated or damaged: {_reason(error)}") from None


def _names_in_pickle(file: BinaryIO) -> set[str]:
    """Take one pickle apart; the names that it asks for are checked."""
    names: set[str] = set()
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if count == _OPERATIONS:
                raise ModelError(f"its pickle has more than {_OPERATIONS:,} operations")
            if operation.name == "PROTO" and argument != 2:
                raise ModelError(f"has a pickle of protocol {argument}, torch reads protocol 2")
            if operation.name in ("INST", "GLOBAL"):
                names.add(_checked(*str(argument).partition(" ")[::2]))
    except LgnxError:
        raise
    except Exception as error:  # pickletools raises what its readers do
        raise ModelError(f"is truncated or damaged: {_reason(error)}") from None
    return names


def _checked(module: str, name: str) -> str:
    """Refuse a name that neither makes tensors nor can be a class of layers."""
    module, name = _compat_pickle.NAME_MAPPING.get(  # names of Python 2, which protocol 2 has
        (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    )
    path = f"{module}.{name}"
    if _PLAIN.fullmatch(path) or path.startswith(_LAYERS) or path in STAND_INS:
        return path
    if not _NAME.fullmatch(path) or path.split(".")[0] in _CLOSED:
        raise ModelError(
            f"refused: it asks for {path!r}, which is neither a tensor nor a layer. Nothing of it "
            "was run. Save the module's state_dict() instead, and plain numbers"
        )
    return path


# --------------------------------------------------------------------------- the load


def _stub(path: str) -> type[Stub]:
    module, _, name = path.rpartition(".")
    stub: Any = _Uncallable(name, (Stub,), {"_path": path, "__module__": module})
    return stub


def _load(path: Path, stubs: dict[str, Any]) -> Any:
    import torch

    try:
        with _lock, _allowed(stubs), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with path.open("rb") as file:  # a path would lead torch to other readers by its suffix
                return torch.load(file, map_location="cpu", weights_only=True)
    except _RefusedError as error:
        raise ModelError(f"refused: it {error}, which would run code of the file") from None
    except LgnxError:
        raise
    except Exception as error:  # a damaged pickle may end in any error of Python or torch
        if "Only persistent_load of storage" in str(error):
            raise ModelError(
                "holds a whole module as torch wrote it before 1.6; save its state_dict() instead"
            ) from None
        raise ModelError(f"is truncated or damaged: {_reason(error)}") from None


@contextmanager
def _allowed(stubs: dict[str, Any]) -> Iterator[None]:
    """Let torch's unpickler know stubs, and no class that someone allowed it before."""
    from torch import serialization

    before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals([(stub, path) for path, stub in stubs.items()])
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(before)


def _reason(error: BaseException) -> str:
    """First line of an error that says something of the file."""
    text = str(error).rpartition("WeightsUnpickler error:")[2].strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _check_tensors(loaded: Any) -> None:
    """Refuse tensors that are larger than what stands in the file."""
    import torch

    seen: set[int] = set()
    waiting = [loaded]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            size, held = value.numel() * value.element_size(), value.untyped_storage().nbytes()
            if size > held + _EXPANDED:
                raise ModelError(f"has a tensor of {size:,} bytes, of which it holds {held:,}")
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set)):
            waiting += value
        elif isinstance(value, Stub):
            waiting.append(vars(value))


# --------------------------------------------------------------------------- what was loaded


def class_path(value: Any) -> str:
    """Dotted name of the class of an object, as ``torchlogix.layers.dense.LogicDense``."""
    kind = type(value)
    return kind._path if issubclass(kind, Stub) else f"{kind.__module__}.{kind.__qualname__}"


def submodules(module: Stub) -> dict[str, Stub]:
    """Children of a torch module, by name, in their order."""
    children = _values(module, "_modules")
    return {name: child for name, child in children.items() if isinstance(child, Stub)}


def state_dict(module: Stub) -> dict[str, torch.Tensor]:
    """Parameters and buffers of a torch module and of all its parts, by dotted name.

    Raises
    ------
    ModelError
        If a module is part of itself.
    """
    import torch

    state: dict[str, torch.Tensor] = {}
    waiting, visited = [("", module, 0)], 0
    while waiting:
        prefix, part, depth = waiting.pop()
        visited += 1
        if depth > _DEPTH or visited > _PARTS:
            raise ModelError(f"its module {prefix[:40]!r} is part of itself, or has too many parts")
        for kind in ("_parameters", "_buffers"):
            for name, value in _values(part, kind).items():
                if isinstance(value, torch.Tensor):
                    state[f"{prefix}{name}"] = value
        children = submodules(part).items()
        waiting += [(f"{prefix}{name}.", child, depth + 1) for name, child in children][::-1]
    return state


def _values(module: Stub, name: str) -> dict[str, Any]:
    values = vars(module).get(name)
    return values if isinstance(values, dict) else {}


def find_state(loaded: Any) -> dict[str, torch.Tensor]:
    """Give the state dict of what `load_checkpoint` read.

    Parameters
    ----------
    loaded
        A state dict, a whole module, or a dict that holds one of them as its ``state_dict``,
        ``model_state_dict``, ``model`` or the like.

    Returns
    -------
    dict
        Tensors by dotted name, without the ``module.`` and ``_orig_mod.`` that DataParallel and
        torch.compile put in front of all names.

    Raises
    ------
    ModelError
        If there is none.
    """
    import torch

    module = find_module(loaded)
    if module is not None:
        state = state_dict(module)
    else:
        held = _unwrapped(loaded)
        items = held.items() if isinstance(held, dict) else ()
        state = {str(name): value for name, value in items if isinstance(value, torch.Tensor)}
    for wrapper in _WRAPPERS:
        if state and all(name.startswith(wrapper) for name in state):
            state = {name.removeprefix(wrapper): value for name, value in state.items()}
    if not state:
        raise ModelError("holds no tensors by name, must hold a module or a state dict")
    return state


def find_module(loaded: Any) -> Stub | None:
    """Give the whole module of what `load_checkpoint` read, as `find_state`; None without one."""
    held = _unwrapped(loaded)
    while isinstance(held, Stub) and set(submodules(held)) in ({"module"}, {"_orig_mod"}):
        held = next(iter(submodules(held).values()))
    return held if isinstance(held, Stub) else None


def _unwrapped(loaded: Any) -> Any:
    """Module or state dict in a dict of other things."""
    for _ in _STATES:
        if not isinstance(loaded, dict):
            break
        inner = next((loaded[name] for name in _STATES if name in loaded), None)
        if not isinstance(inner, (dict, Stub)):
            break
        loaded = inner
    return loaded
