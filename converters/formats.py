"""The registry of foreign formats: who reads and writes what.

A converter is a module or folder of this package that defines ``FORMAT = Format(...)``. It is found
by that line, so that adding or deleting a converter touches nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import onnx

from lgnx.ops.errors import InputError, ModelError

__all__ = [
    "Format",
    "Option",
    "checked_options",
    "convert_object",
    "find_format",
    "formats",
    "read_model",
    "source_format",
    "target_format",
    "write_model",
]

_MARK = "\nFORMAT = Format("


@dataclass(frozen=True)
class Option:
    """A choice that reading or writing offers.

    Attributes
    ----------
    name
        Name of the keyword argument, and on the command line of ``--option NAME=VALUE``.
    type
        `int`, `float`, `bool`, `str` or `pathlib.Path`.
    default
        What holds where it is not given.
    help
        One line.
    choices
        The values allowed; empty for any.
    """

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[Any, ...] = ()

    def parse(self, text: str, of: str) -> Any:
        """Turn the text of a command line into a value.

        Raises
        ------
        InputError
            If it is none of this option's values.
        """
        value: Any
        if self.type is bool:
            words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
            value = words.get(text.lower())
        else:
            try:
                value = self.type(text)
            except ValueError:
                value = None
        if value is None or (self.choices and value not in self.choices):
            allowed = {bool: "true or false", int: "a whole number", float: "a number"}
            wanted = ", ".join(map(str, self.choices)) or allowed.get(self.type, "text")
            raise InputError(f"{of}: option {self.name}: {text!r}, must be {wanted}")
        return value


@dataclass(frozen=True)
class Format:
    """One foreign format or tool.

    Attributes
    ----------
    name
        Short name, as in ``--from`` and ``--to``.
    title
        What it is, in one line.
    suffixes
        Suffixes of its files, lower case, with the dot; none for what is no file.
    read
        ``read(path, **options)`` gives a model. None where nothing is read from files.
    write
        ``write(model, path, **options)`` writes and gives the files, all of them or none. None
        where no files are written.
    read_options, write_options
        What these take beside.
    reads, writes
        What becomes of it, in one line each.
    extra
        The extra of lgnx that it needs, if any.
    python
        How it is used from Python, where that is more than `read_model` and `write_model`.
    sniff
        Tells of a file with one of the suffixes whether it is of this format. Needed where formats
        share a suffix; None says yes to whatever no other format claims.
    takes, convert
        ``takes(found)`` tells whether ``convert(found, **options)`` makes a model of a Python
        object, with the options of reading.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    read: Callable[..., onnx.ModelProto] | None = None
    write: Callable[..., list[Path]] | None = None
    read_options: tuple[Option, ...] = ()
    write_options: tuple[Option, ...] = ()
    reads: str = ""
    writes: str = ""
    extra: str = ""
    python: str = ""
    sniff: Callable[[Path], bool] | None = None
    takes: Callable[[Any], bool] | None = None
    convert: Callable[..., onnx.ModelProto] | None = None


@cache
def formats() -> tuple[Format, ...]:
    """Every format, by name.

    Raises
    ------
    ModuleNotFoundError
        Never for an extra that is missing: converters import those when they are used.
    """
    import lgnx.converters as package

    found: list[Format] = []
    for module in pkgutil.iter_modules(package.__path__):
        spec = module.module_finder.find_spec(module.name, None)  # type: ignore[call-arg]
        loader: Any = spec.loader if spec else None
        if loader is None or _MARK not in (loader.get_source(module.name) or ""):
            continue
        found.append(importlib.import_module(f"{package.__name__}.{module.name}").FORMAT)
    return tuple(sorted(found, key=lambda format: format.name))


def find_format(name: str) -> Format:
    """Give the format of a name.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    for format in formats():
        if format.name == name:
            return format
    names = ", ".join(format.name for format in formats())
    raise InputError(f"there is no format {name!r}; there are: {names}")


def source_format(path: Path, name: str | None = None) -> Format:
    """Give the format of a file that is to be read, by its name or by the file.

    Raises
    ------
    ModelError
        If there is no such file.
    InputError
        If the format is not known, or has no reader.
    """
    if not path.exists():
        raise ModelError(f"{path}: no such file")
    if path.is_dir():
        raise ModelError(f"{path}: is a folder, not a file")
    chosen = find_format(name) if name else _by_suffix(path, "read")
    if chosen.read is None:
        other = f"; in Python: {chosen.python}" if chosen.python else ", only written"
        raise InputError(f"{path}: files of format {chosen.name!r} are not read{other}")
    return chosen


def target_format(path: Path, name: str | None = None) -> Format:
    """Give the format of a file that is to be written, by its name or by the suffix.

    Raises
    ------
    InputError
        If the format is not known, or has no writer.
    """
    chosen = find_format(name) if name else _by_suffix(path, "write")
    if chosen.write is None:
        other = f"; in Python: {chosen.python}" if chosen.python else ", only read"
        raise InputError(f"{path}: files of format {chosen.name!r} are not written{other}")
    return chosen


def read_model(path: str | Path, format: str | None = None, **options: Any) -> onnx.ModelProto:
    """Read a file of any format as a model.

    Parameters
    ----------
    path
        The file.
    format
        Name of its format; None tells it by the suffix, and by a look at the file where formats
        share it.
    **options
        Of that format's reader, see `Format.read_options`.

    Returns
    -------
    onnx.ModelProto
        A model of the layer or network level.

    Raises
    ------
    ModelError
        If the file is missing, malformed, or holds what has no ONNX form; the message names it.
    InputError
        If the format or an option is not known.
    """
    path = Path(path)
    chosen = source_format(path, format)
    assert chosen.read is not None
    return chosen.read(
        path, **checked_options(options, chosen.read_options, chosen.name, "reading")
    )


def write_model(
    model: Any, path: str | Path, format: str | None = None, **options: Any
) -> list[Path]:
    """Write a model as a file of any format.

    Parameters
    ----------
    model
        A path, bytes or ModelProto of an ONNX model.
    path
        File to write, whole or not at all.
    format
        Name of the format; None tells it by the suffix.
    **options
        Of that format's writer, see `Format.write_options`.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    ModelError
        If the format cannot represent the model; node and reason are named, nothing is written.
    InputError
        If the format or an option is not known, or the folder cannot be written to.
    """
    path = Path(path)
    chosen = target_format(path, format)
    assert chosen.write is not None
    return chosen.write(
        model, path, **checked_options(options, chosen.write_options, chosen.name, "writing")
    )


def convert_object(found: Any, **options: Any) -> onnx.ModelProto | None:
    """Turn a Python object into a model; None where no format takes it.

    Raises
    ------
    ModelError
        If it has no ONNX form.
    InputError
        If an option is not known.
    """
    for format in formats():
        if format.takes is not None and format.takes(found):
            assert format.convert is not None
            given = checked_options(options, format.read_options, format.name, "reading")
            return format.convert(found, **given)
    return None


def _by_suffix(path: Path, way: str) -> Format:
    """Format of a file by its suffix and, where several share it, by what is in the file."""
    able = [format for format in formats() if getattr(format, way) is not None]
    suffix = path.suffix.lower()
    found = [format for format in able if suffix in format.suffixes]
    if way == "read":
        sure = [format for format in found if format.sniff and format.sniff(path)]
        found = sure or [format for format in found if not format.sniff]
    elif len(found) > 1:  # the one that the suffix stands for first of all
        found = [format for format in found if format.suffixes[0] == suffix] or found
        found = [format for format in found if not format.sniff] or found  # others must be named
    if len(found) == 1:
        return found[0]
    option = "--from" if way == "read" else "--to"
    if found:
        names = " and ".join(format.name for format in found)
        raise InputError(f"{path}: may be {names}; say which with {option}")
    known = ", ".join(sorted({s for format in able for s in format.suffixes}))
    raise InputError(
        f"{path}: no format that can be {'read' if way == 'read' else 'written'} has this suffix "
        f"and content; known suffixes: {known}; or say which format it is with {option}"
    )


def checked_options(
    given: Mapping[str, Any], options: tuple[Option, ...], name: str, way: str
) -> dict[str, Any]:
    """Keyword arguments of a reader or writer; text is turned into what each option wants.

    Raises
    ------
    InputError
        If there is no such option, or the value is none of its values.
    """
    known = {option.name: option for option in options}
    for key in given:
        if key not in known:
            names = ", ".join(known) or "none"
            raise InputError(f"{way} {name}: there is no option {key!r}; there are: {names}")
    result = {}
    for key, value in given.items():
        option = known[key]
        if isinstance(value, str) and option.type is not str:
            value = option.parse(value, f"{way} {name}")
        elif option.choices and value not in option.choices:
            value = option.parse(str(value), f"{way} {name}")
        result[key] = value
    return result
