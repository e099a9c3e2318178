"""Run one equivalence check in a process of its own: exit code 0 equal, 1 different, 2 undecided."""

from __future__ import annotations

import sys

import numpy as np

from lgnx.netlist.netlist import Netlist
from lgnx.optimize.proof import equivalent


def main(path: str) -> int:
    """Compare the two netlists of a file that `lgnx.optimize.proof` wrote."""
    data = np.load(path)
    a, b = (
        Netlist(
            int(data["n_inputs"]),
            *(data[f"{name}_{part}"] for part in ("kinds", "fanins", "outputs")),
        )
        for name in ("a", "b")
    )
    equal = equivalent(a, b)
    return 2 if equal is None else int(not equal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
