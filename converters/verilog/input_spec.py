"""Formats of the numbers of a sample: one for all, or a file that tells them feature by feature."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgnx.converters.verilog.fixed_point import FixedPoint, parse_format
from lgnx.ops.errors import InputError, require

__all__ = ["feature_formats"]

_SUFFIXES = (".json", ".yaml", ".yml")


def feature_formats(
    source: str | os.PathLike[str] | Mapping[str, Any],
    features: int,
    names: tuple[str, ...] | None,
    option: str,
) -> tuple[FixedPoint, ...]:
    """Give the format of each feature.

    Parameters
    ----------
    source
        A format in words, which all features have; a mapping; or a YAML or JSON file that holds
        one::

            default: ufixed<8,8>
            features:
              3: ap_fixed<10,4>       # by number
              4-7: ap_ufixed<12,9>    # from 4 to 7
              pt: ap_ufixed<16,10>    # by name, where the model has lgnx.feature_names

        Without ``default`` every feature must be listed.
    features
        How many there are.
    names
        Of the features, if they have any.
    option
        What the user calls this, for messages.

    Raises
    ------
    InputError
        If the file cannot be read, or a field is unknown, missing, given twice or no format; the
        message names it.
    MissingExtraError
        If a YAML file is given and pyyaml is not installed.
    """
    if isinstance(source, Mapping):
        return _of_mapping(source, features, names, option)
    text = os.fspath(source)
    if not text.lower().endswith(_SUFFIXES):
        return (parse_format(text),) * features
    return _of_mapping(_load(Path(text)), features, names, f"{option} {text}")


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if path.suffix.lower() == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: not JSON: {error}") from None
    yaml = require("yaml", extra="rtl")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None


def _of_mapping(
    given: Any, features: int, names: tuple[str, ...] | None, where: str
) -> tuple[FixedPoint, ...]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: must be a mapping with 'default' and 'features'")
    for key in given:
        if key not in ("default", "features"):
            raise InputError(f"{where}: unknown field {key!r}; allowed: 'default', 'features'")
    listed = given.get("features") or {}
    if not isinstance(listed, Mapping):
        raise InputError(f"{where}: 'features' must be a mapping from features to formats")
    chosen: list[FixedPoint | None] = [None] * features
    for key, text in listed.items():
        form = _format(text, f"{where}: feature {key}")
        for place in _places(key, features, names, where):
            if chosen[place] is not None:
                raise InputError(f"{where}: feature {place} is given twice (again as {key!r})")
            chosen[place] = form
    default = given.get("default")
    rest = None if default is None else _format(default, f"{where}: default")
    result = [form or rest for form in chosen]
    if None in result:
        raise InputError(
            f"{where}: feature {result.index(None)} has no format, and there is no default"
        )
    return tuple(form for form in result if form is not None)


def _format(text: Any, where: str) -> FixedPoint:
    if not isinstance(text, str):
        raise InputError(f"{where}: {text!r} must be a format such as ufixed<8,1>")
    try:
        return parse_format(text)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _places(key: Any, features: int, names: tuple[str, ...] | None, where: str) -> range:
    """Features that a key means: a number, a range of numbers, or a name."""
    text = str(key)
    if names is not None and text in names:
        place = names.index(text)
        return range(place, place + 1)
    first, dash, last = text.partition("-")
    if isinstance(key, bool) or not first.isdecimal() or (dash and not last.isdecimal()):
        known = f"; the model's features are {', '.join(names[:8])} ..." if names else ""
        raise InputError(f"{where}: there is no feature {key!r}{known}")
    start, end = int(first), int(last if dash else first)
    if not start <= end < features:
        raise InputError(f"{where}: feature {text}: must be from 0 to {features - 1}")
    return range(start, end + 1)
