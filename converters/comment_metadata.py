"""Metadata of models in the comments of text formats.

An entry is one line, ``metadata "lgnx.accuracy" "0.97"``, both parts as JSON strings. Long values
go on in lines ``metadata + "..."``, since some tools refuse long lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from lgnx.metadata import INPUT_NAMES, OUTPUT_NAMES

__all__ = ["metadata_of", "to_comments"]

_PART = 72  # characters of a value that stand on one line
_LINE = re.compile(r'metadata (\+|"(?:[^"\\]|\\.)*") ("(?:[^"\\]|\\.)*")\s*')


def to_comments(metadata: Mapping[str, str]) -> list[str]:
    """Give lines of ASCII that hold metadata, without the mark of a comment in front."""
    lines = []
    for key, value in sorted(metadata.items()):
        start = json.dumps(key)
        for at in range(0, max(len(value), 1), _PART):
            lines.append(f"metadata {start} {json.dumps(value[at : at + _PART])}")
            start = "+"
    return lines


def metadata_of(comments: Iterable[str]) -> dict[str, str]:
    """Read what `to_comments` wrote; other comments are left out.

    Names of ports are left out, too: the file itself has them.
    """
    found: dict[str, str] = {}
    key = ""
    for comment in comments:
        match = _LINE.fullmatch(comment.strip())
        if match is None:
            continue
        try:
            if match[1] != "+":
                key = json.loads(match[1])
                found[key] = ""
            part = json.loads(match[2])
            (key + part).encode()
        except ValueError:  # also of a surrogate, which is no text
            continue
        found[key] = found.get(key, "") + part
    for name in ("", INPUT_NAMES, OUTPUT_NAMES):
        found.pop(name, None)
    return found
