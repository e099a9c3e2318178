"""What formats of bare gates have no place for, in comments: a circuit's name and metadata."""

from __future__ import annotations

from collections.abc import Sequence

from lgnx.converters.circuit import Circuit
from lgnx.converters.comment_metadata import metadata_of, to_comments
from lgnx.metadata import COMMENT, SOURCE_FORMAT

__all__ = ["from_notes", "to_notes"]

_NAME, _UNNAMED = "lgnx.name", "network"
_MARKS = ('metadata "', "metadata + ")


def to_notes(circuit: Circuit, own: str) -> list[str]:
    """Give lines that hold the comment, the metadata and the name of a circuit.

    ``own`` is the format that they are written in: that a model came from it needs no line.
    """
    entries = {key: text for key, text in circuit.metadata.items() if key != COMMENT}
    if entries.get(SOURCE_FORMAT) == own:
        del entries[SOURCE_FORMAT]
    if circuit.name != _UNNAMED:
        entries[_NAME] = circuit.name
    comment = circuit.metadata.get(COMMENT)
    return [*(comment.splitlines() if comment else ()), *to_comments(entries)]


def from_notes(lines: Sequence[str]) -> tuple[dict[str, str], str]:
    """Give metadata and name; lines that hold neither are the comment."""
    metadata = metadata_of(line for line in lines if line.startswith(_MARKS))
    name = metadata.pop(_NAME, _UNNAMED)
    comment = "\n".join(line for line in lines if not line.startswith(_MARKS))
    return (metadata | {COMMENT: comment} if comment else metadata), name
