"""One equivalence check, run in a process of its own so that it can be stopped.

`ask` writes the netlists to a folder, starts `main` on it, and reads the answer from there.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.optimize.equivalence import equivalent, find_counterexample

_ANSWER, _COUNTEREXAMPLE = "answer.txt", "counterexample.npy"


def ask(a: Netlist, b: Netlist, folder: Path, budget: float) -> tuple[str, np.ndarray | None]:
    """Start the check and wait for it.

    Returns
    -------
    tuple
        ``"True"``, ``"False"`` or why there is no answer; and a counterexample, if one was found.
    """
    for name, netlist in (("a", a), ("b", b)):
        np.savez(
            folder / f"{name}.npz",
            n_inputs=np.int64(netlist.n_inputs),
            kinds=netlist.kinds,
            fanins=netlist.fanins,
            outputs=netlist.outputs,
        )
    # The child imports from where this process does, whatever the working directory is.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import main; main()"
    command = [sys.executable, "-c", code, str(folder)]
    failure = "the equivalence checker failed"
    try:
        done = subprocess.run(command, timeout=budget, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            failure += f": {last[0]}"
    except subprocess.TimeoutExpired:
        failure = f"the equivalence checker was stopped after {budget:g} s"
    except OSError as error:
        failure += f" to start: {error}"
    answer, example = folder / _ANSWER, folder / _COUNTEREXAMPLE
    return (
        answer.read_text() if answer.exists() else failure,
        np.load(example) if example.exists() else None,
    )


def main() -> None:
    """Compare the netlists of the folder that the command line names."""
    folder = Path(sys.argv[1])
    a, b = (_read(folder / f"{name}.npz") for name in ("a", "b"))
    equal = equivalent(a, b)
    answer = "the equivalence checker reached its conflict limit" if equal is None else str(equal)
    _write(folder / _ANSWER, answer.encode())
    if equal is False:
        found = find_counterexample(a, b)
        if found is not None:
            content = io.BytesIO()
            np.save(content, found)
            _write(folder / _COUNTEREXAMPLE, content.getvalue())


def _read(path: Path) -> Netlist:
    with np.load(path) as data:
        return Netlist(int(data["n_inputs"]), data["kinds"], data["fanins"], data["outputs"])


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears whole: this process may be stopped at any time."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.rename(path)
