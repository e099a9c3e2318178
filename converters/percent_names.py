"""Names in formats that cannot hold every character: those are written as in URLs, ``%20``."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["escape", "escape_ports", "made_different", "unescape"]

_NOTHING = "%-"
_CODES = re.compile("(?:%(?:[0-9A-F]{2}|-))+")
_LIKE_A_CODE = re.compile("%(?=[0-9A-F]{2}|-)")
_NO_TEXT = re.compile("[\ud800-\udfff]")


def escape(name: str, forbidden: re.Pattern[str]) -> str:
    """Give a name without some characters, from which `unescape` gives the name.

    Parameters
    ----------
    name
        Any text; the empty one becomes ``%-``.
    forbidden
        Matches single characters that must not occur, but not ``%``, ``-``, digits and capital
        letters.
    """
    name = _LIKE_A_CODE.sub("%25", name)
    for pattern in (forbidden, _NO_TEXT):
        name = pattern.sub(lambda found: _codes(found.group()), name)
    return name or _NOTHING


def made_different(escaped: str) -> str:
    """Give another text of the same name: where inputs and outputs must not be called alike."""
    return escaped + _NOTHING


def escape_ports(
    inputs: Sequence[str], outputs: Sequence[str], forbidden: re.Pattern[str]
) -> tuple[list[str], list[str]]:
    """Escape the names of inputs and outputs so that all of them differ."""
    texts = [escape(name, forbidden) for name in inputs]
    taken = set(texts)
    others = [escape(name, forbidden) for name in outputs]
    return texts, [made_different(text) if text in taken else text for text in others]


def unescape(text: str) -> str:
    """Undo `escape`; codes that are no UTF-8 stay as they are."""
    return _CODES.sub(lambda found: _decoded(found.group()), text)


def _codes(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _decoded(codes: str) -> str:
    try:
        return bytes.fromhex(codes.replace(_NOTHING, "").replace("%", "")).decode()
    except UnicodeDecodeError:
        return codes
