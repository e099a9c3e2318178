"""Built simulations, kept by content under the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from lgnx.files import atomic_path
from lgnx.ops.errors import InputError

__all__ = ["cache_folder", "cached_file", "content_key"]

_DIGEST_BYTES = 32


def cache_folder() -> Path:
    """Give the folder of built simulations: ``LGNX_CACHE_DIR``, else ``~/.cache/lgnx/cosim``."""
    chosen = os.environ.get("LGNX_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lgnx" / "cosim"


def content_key(parts: Iterable[str | bytes]) -> str:
    """Give a name for everything that went into a build."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def cached_file(
    name: str,
    build: Callable[[Path], Path],
    *,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Path:
    """Give a compiled file from the cache; build it if it is not there, or damaged.

    Parameters
    ----------
    name
        Name of the file, which tells the content.
    build
        Called with an empty folder; gives the file, which is then copied into the cache.
    cache_dir
        In place of `cache_folder`.

    Raises
    ------
    InputError
        If the cache folder cannot be written to.
    """
    cache = (Path(cache_dir) if cache_dir is not None else cache_folder()).absolute()
    path = cache / name
    if _is_whole(path):
        return path
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{cache}: cannot be made: {error.strerror}; LGNX_CACHE_DIR names another folder"
        ) from None
    place: Path | str = tempfile.gettempdir()
    try:
        with tempfile.TemporaryDirectory(prefix="lgnx-cosim-") as folder:
            content = build(Path(folder)).read_bytes()
        place = path
        with atomic_path(path) as temporary:
            # A digest behind the end of an ELF file does not hurt, and makes one file of the two.
            temporary.write_bytes(content + hashlib.sha256(content).digest())
    except OSError as error:  # say, because a disk is full
        raise InputError(f"{place}: cannot write there: {error.strerror}") from None
    return path


def _is_whole(path: Path) -> bool:
    """Tell whether a cached file is as it was written: loading a damaged one could crash."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-_DIGEST_BYTES]).digest() == content[-_DIGEST_BYTES:]
