"""The RTL folder: who may be overwritten, and files that appear all at once."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from lgnx.ops.errors import InputError

__all__ = [
    "BUILD",
    "PROJECTS",
    "PROOF",
    "SIDECAR",
    "build_id",
    "check_folder",
    "file_digest",
    "project_files",
    "stamp",
    "write_folder",
]

SIDECAR = "lgnx.json"
BUILD = "@BUILD@"  # stands in the text where the build's number goes
PROOF = "proof.json"  # the verdict of lgnx prove
PROJECTS = "projects.json"  # what lgnx project wrote: the files and their hashes
_LIST = "files.f"


def build_id(sources: dict[str, str], sidecar: dict[str, Any]) -> str:
    """Number of a build, 16 hexadecimal digits: of all Verilog, and of what the sidecar says.

    Parameters
    ----------
    sources
        Text of every Verilog file by name, with `BUILD` or the number itself in it.
    sidecar
        With or without its ``build_id`` and lists of files.
    """
    own = str(sidecar.get("build_id", BUILD))
    facts = {k: v for k, v in sidecar.items() if k not in ("build_id", "files", "others")}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(sources):
        digest.update(f"{name}\n{sources[name].replace(own, BUILD)}\n".encode())
    return digest.hexdigest()[:16]


def check_folder(out: Path) -> None:
    """Check that a folder is new, empty, or holds nothing but what lgnx wrote.

    Raises
    ------
    InputError
        If not; such a folder is never touched.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: exists and is not a folder")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not (out / SIDECAR).is_file():
        raise InputError(f"{out}: holds files that lgnx did not write; give another folder")
    try:
        data = json.loads((out / SIDECAR).read_text())
        known = {*data["files"], *data.get("others", ()), SIDECAR, PROOF, PROJECTS, _LIST}
        known |= project_files(out)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{out / SIDECAR}: is not a sidecar of lgnx") from None
    found = (path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir())
    others = sorted(name for name in found if name not in known)
    if others:
        raise InputError(
            f"{out}: holds {others[0]!r}, which lgnx did not write, or which was changed since"
        )


def project_files(out: Path) -> set[str]:
    """Give the project files of a folder that stand there as lgnx wrote them.

    Raises
    ------
    InputError
        If the list of them is not one.
    """
    if not (out / PROJECTS).is_file():
        return set()
    try:
        listed = json.loads((out / PROJECTS).read_text("utf-8"))
        return {
            name
            for name, digest in listed.items()
            if (out / name).is_file() and file_digest(out / name) == digest
        }
    except (OSError, ValueError, TypeError, AttributeError):
        raise InputError(f"{out / PROJECTS}: is not a list of project files") from None


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp(folder: Path) -> str:
    """Give an RTL folder whose files were changed by hand a new number of its own.

    Without it, whatever reads the folder refuses it, since its parts are not of one build.

    Returns
    -------
    str
        The number.
    """
    sidecar = json.loads((folder / SIDECAR).read_text("utf-8"))
    old = sidecar["build_id"]
    sources = {name: (folder / name).read_text("utf-8") for name in sidecar["files"]}
    new = build_id(sources, sidecar)
    for name in (*sidecar["files"], *sidecar["others"]):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    sidecar["build_id"] = new
    (folder / SIDECAR).write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
    return new


def write_folder(
    out: Path, sources: dict[str, str], others: dict[str, str], sidecar: dict[str, Any]
) -> None:
    """Write beside, then rename, so that the folder appears whole or not at all.

    Parameters
    ----------
    sources
        Verilog files by name, with `BUILD` where its number goes; ``files.f`` lists them.
    others
        Any other files, by name, in the same way.
    sidecar
        Gets ``build_id``, ``files`` and ``others``.

    Raises
    ------
    InputError
        If it cannot be written there.
    """
    sidecar["build_id"] = build_id(sources, sidecar)
    sidecar["files"], sidecar["others"] = sorted(sources), sorted(others)
    everything = {**sources, **others, _LIST: "".join(f"{name}\n" for name in sorted(sources))}
    everything = {k: v.replace(BUILD, sidecar["build_id"]) for k, v in everything.items()}
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))
    except OSError as error:
        raise InputError(f"{out}: cannot write there: {error.strerror}") from None
    try:
        for name, text in everything.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_text(text, encoding="utf-8")
        (temporary / SIDECAR).write_text(json.dumps(sidecar, indent=2) + "\n", encoding="utf-8")
        temporary.chmod(0o755)
        if out.exists():
            old = temporary.with_name(temporary.name + ".old")
            out.rename(old)
            temporary.rename(out)
            shutil.rmtree(old)
        else:
            temporary.rename(out)
    except OSError as error:
        raise InputError(f"{out}: cannot write there: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
