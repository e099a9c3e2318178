"""NumPy: a network as one Python file that needs numpy alone, to read and to run.

docs/formats/numpy.md tells users of it.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import lgnx
from lgnx.converters.formats import Format, Option
from lgnx.files import atomic_path, model_name
from lgnx.metadata import CLASS_NAMES, names_of
from lgnx.netlist.netlist import XOR_KIND, Netlist
from lgnx.network import Network
from lgnx.ops import engine
from lgnx.ops.errors import InputError, ModelError

MOST_LISTED = 2000
"""Gates, thresholds or outputs up to which they are listed; beyond, they are packed."""

_FILE = '''\
"""A logic gate network for NumPy alone: $gates gates, $levels levels deep.

    python $name data.npy       # one line for each sample
    import $module; $module.predict(x)

A sample becomes $outputs_are in these steps:

$steps
Everything is exact: predict gives what the network gives anywhere else, to the last bit.
Written by lgnx $version.
"""
$about
$imports

DTYPE, SHAPE = np.dtype("$dtype"), $shape  # of x, a sample after the other
$unpack
$data

def predict(x):
    """Give the $outputs of samples x [samples, *SHAPE]: $result."""
    x = np.asarray(x)
    if x.dtype != DTYPE or x.shape[1:] != SHAPE:
        raise ValueError(f"x is {x.dtype} {x.shape}, must be {DTYPE} (samples, *{SHAPE})")
    portion = max(1, 2**25 // N_WIRES)  # samples at a time, for the memory's sake
    parts = [evaluate(x[i : i + portion]) for i in range(0, max(len(x), 1), portion)]
    return np.concatenate(parts)


def evaluate(x):
    """Give the $outputs of some samples."""
    wires = np.zeros((N_WIRES, len(x)), np.uint8)  # wire 0 stays 0
    rows = x.reshape(len(x), $features)
$bits
    wires[1 : 1 + N_INPUTS] = bits.T
    first = 1 + N_INPUTS
    for level in LEVELS:
        x0, x1, tables = level.T
        address = wires[x0] + 2 * wires[x1]
        wires[first : first + len(level)] = tables.astype(np.uint8)[:, None] >> address & 1
        first += len(level)
    outputs = (wires[OUTPUTS] ^ INVERTED[:, None]).T
$score

$classes
if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python $name data.npy")
$main
'''

_UNPACK = '''

def unpack(dtype, text):
    """Array of numbers that are written in base64, compressed, little-endian."""
    data = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).astype(dtype)

'''

_CLASSIFY = '''
def classify(x):
    """Give the class of each sample: index of the largest score, the lowest of equal ones."""
    return predict(x).argmax(axis=1)

'''

_THERMOMETER = """\
Thermometer. Each number is compared with its thresholds: bit $i is 1 where the number is
    $compare threshold i. NaN gives 0."""
_LEVELS = """\
Levels. A gate reads two wires x0 and x1 of levels before it, and looks its output up in a
    table of four bits: bit x0 + 2 * x1. 8 is AND, 14 is OR, 6 is XOR, 7 is NAND. Wire 0 is
    always 0, wires 1 to $inputs are the input bits, then come the gates, level by level."""
_OUTPUTS = """\
Outputs. Some wires are the outputs, inverted where INVERTED is 1."""
_GROUPS = """\
Group sum. The outputs are cut into $groups groups of $size. The score of a group is the
    number of its ones$scaled."""


def write_numpy(model: Any, path: str | Path, *, packed: str = "auto") -> list[Path]:
    """Write a model as a Python file.

    Parameters
    ----------
    model
        Path, bytes or ModelProto of a model that lowers to one LogicNetwork.
    path
        The file, ``NAME.py``.
    packed
        ``yes``: arrays are compressed text; ``no``: they are lists to read; ``auto``: compressed
        where they have more than 2,000 entries.

    Returns
    -------
    list of pathlib.Path
        The file.

    Raises
    ------
    ModelError
        If the model is no logic network; nothing is written.
    InputError
        If the path does not fit, or cannot be written to.
    """
    path = Path(path)
    if path.suffix != ".py" or not path.stem.isidentifier() or not path.stem.isascii():
        raise InputError(f"{path}: the name of a Python file must be an identifier and end in .py")
    if packed not in ("auto", "yes", "no"):
        raise InputError(f"packed: {packed!r}, must be auto, yes or no")
    network = Network.from_model(model)
    if not network.netlist.n_outputs:
        raise ModelError(f"{model_name(model)}: node {network.name!r}: has no outputs")
    limit = {"auto": MOST_LISTED, "yes": -1, "no": 1 << 62}[packed]
    text = _text(network, path.name, limit)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="ascii")
    return [path]


def _text(network: Network, name: str, limit: int) -> str:
    parts = engine.optimize(
        network.netlist.n_inputs,
        network.netlist.kinds,
        network.netlist.fanins,
        network.netlist.outputs,
    )
    netlist = Netlist(network.netlist.n_inputs, *parts)
    gates, sizes, outputs = _levels(netlist)
    n_wires = netlist.first_node + len(gates)
    lines = [f"N_INPUTS = {netlist.n_inputs}", f"N_WIRES = {n_wires}"]
    lines += _thresholds(network, limit)
    lines += _gates(gates, sizes, limit)
    lines += _array("OUTPUTS", (outputs >> 1).astype(np.int64), limit)
    lines += _array("INVERTED", (outputs & 1).astype(np.uint8), limit)
    is_packed = any("unpack(" in line for line in lines)
    kind, groups = network.dtype, network.groups
    names = _class_names(network)
    if names:
        lines += ["CLASSES = [", *_wrapped(ascii(n) for n in names), "]"]
    modules = ["base64", "sys", "zlib"] if is_packed else ["sys"]
    return Template(_FILE).substitute(
        gates=len(gates),
        levels=len(sizes),
        name=name,
        module=name.removesuffix(".py"),
        outputs="scores" if groups else "output bits",
        outputs_are="scores" if groups else "bits",
        result=f"{kind} [samples, {groups}]" if groups else f"bool [samples, {netlist.n_outputs}]",
        steps=_steps(network),
        version=lgnx.__version__,
        about=_about(network),
        imports="".join(f"import {module}\n" for module in modules) + "\nimport numpy as np",
        dtype=network.input_dtype.name,
        shape=tuple(network.input_shape),
        features=network.features,
        unpack=_UNPACK if is_packed else "",
        data="\n".join(lines) + "\n",
        bits=_bits(network),
        score=_score(network),
        classes=_CLASSIFY if groups else "",
        main=_main(network, bool(names)),
    )


def _levels(netlist: Netlist) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Give the gates [n, 3] by level, gates of each level, output literals of the new numbers."""
    levels = netlist.levels()
    order = np.argsort(levels, kind="stable")
    sizes = np.bincount(levels, minlength=1)[1:].tolist() if netlist.n_nodes else []
    renumbered = np.arange(netlist.first_node + netlist.n_nodes)
    renumbered[netlist.first_node + order] = np.arange(netlist.n_nodes) + netlist.first_node
    fanins = netlist.fanins[order].astype(np.int64)
    address = np.arange(4)
    x0 = address & 1 ^ fanins[:, :1] & 1
    x1 = address >> 1 ^ fanins[:, 1:] & 1
    bits = np.where(netlist.kinds[order][:, None] == XOR_KIND, x0 ^ x1, x0 & x1)
    tables = (bits << address).sum(axis=1)
    wires = renumbered[fanins >> 1]
    gates = np.column_stack([wires, tables]).astype(np.int64).reshape(-1, 3)
    outputs = 2 * renumbered[netlist.outputs >> 1] + (netlist.outputs & 1)
    return gates, sizes, outputs


def _thresholds(network: Network, limit: int) -> list[str]:
    limits = network.thresholds
    if limits is None:
        return []
    if (limits == limits[:1]).all():
        limits = limits[:1]
    shape = f".reshape{limits.shape}"
    return [
        "# Thresholds of each number of a sample"
        + (", the same for all." if len(limits) == 1 else "."),
        *_array("THRESHOLDS", limits.ravel(), limit, shape),
    ]


def _gates(gates: np.ndarray, sizes: list[int], limit: int) -> list[str]:
    if len(gates) > max(limit, 0):
        kind = np.uint16 if gates.max() < 1 << 16 else np.uint32
        ends = np.cumsum(sizes)[:-1]
        return [
            "# Gates of all levels: x0, x1, table; a column of each after the other.",
            *_array("GATES", gates.T.astype(kind).ravel(), -1, ".reshape(3, -1).T.astype(int)"),
            "LEVELS = np.split(",
            "    GATES,",
            "    [",
            *(f"    {line}" for line in _wrapped(ends.tolist())),
            "    ],",
            ")",
        ]
    lines = ["# For each level its gates: x0, x1, table.", "LEVELS = ["]
    start = 0
    for size in sizes:
        listed = (f"({a}, {b}, {table})" for a, b, table in gates[start : start + size].tolist())
        lines += ["    np.array([", *(f"    {line}" for line in _wrapped(listed)), "    ]),"]
        start += size
    return [*lines, "]"]


def _array(name: str, values: np.ndarray, limit: int, after: str = "") -> list[str]:
    """Lines that define an array of one axis."""
    if values.size <= limit:
        listed = (_number(value) for value in values)
        return [f"{name} = np.array([", *_wrapped(listed), f'], "{values.dtype}"){after}']
    kind = values.dtype.newbyteorder("<")
    data = base64.b64encode(zlib.compress(values.astype(kind).tobytes())).decode()
    lines = [data[i : i + 96] for i in range(0, len(data), 96)]
    return [f'{name} = unpack("{values.dtype}", """', *lines, f'"""){after}']


def _number(value: Any) -> str:
    """A number as Python: the shortest that becomes this one through a float."""
    if value.dtype.kind != "f":
        return str(value)
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    short = str(value)
    return short if value.dtype.type(float(short)) == value else repr(float(value))


def _wrapped(items: Iterable[Any]) -> list[str]:
    """Items of a list in lines of up to 96 columns."""
    lines, line = [], "   "
    for item in items:
        text = f" {item},"
        if len(line) + len(text) > 96 and line.strip():
            lines.append(line)
            line = "   "
        line += text
    return [*lines, line] if line.strip() else lines


def _steps(network: Network) -> str:
    steps = []
    if network.thresholds is not None:
        sign = "greater than" if network.strict else "greater than or equal to"
        steps.append(Template(_THERMOMETER).substitute(i="i", compare=sign))
    steps.append(Template(_LEVELS).substitute(inputs=network.netlist.n_inputs))
    steps.append(_OUTPUTS)
    if network.groups:
        scaled = "".join(
            f", {word} {value:g}"
            for word, value, idle in (
                ("plus", network.bias, 0),
                ("divided by", network.tau, 1),
                ("plus", network.beta, 0),
            )
            if value != idle
        )
        steps.append(
            Template(_GROUPS).substitute(
                groups=network.groups, size=network.group_size, scaled=scaled
            )
        )
    return "".join(f"{n}. {step}\n" for n, step in enumerate(steps, 1))


def _about(network: Network) -> str:
    """Metadata as comments: JSON has no line breaks and, here, no other characters than ASCII."""
    entries = sorted(network.metadata.items())
    return "".join(f"# {json.dumps(key)}: {json.dumps(value)}\n" for key, value in entries)


def _bits(network: Network) -> str:
    if network.thresholds is None:
        return "    bits = rows != 0"
    sign = ">" if network.strict else ">="
    return (
        '    with np.errstate(invalid="ignore"):\n'
        f"        bits = rows[:, :, None] {sign} THRESHOLDS\n"
        "    bits = bits.reshape(len(x), N_INPUTS)"
    )


def _score(network: Network) -> str:
    if not network.groups:
        return "    return outputs.astype(bool)"
    kind = f"np.{network.dtype.name}"
    lines = [
        f"counts = outputs.reshape(len(x), {network.groups}, {network.group_size})",
        f"scores = counts.sum(axis=2, dtype=np.int64).astype({kind})",
    ]
    steps = (("+", network.bias, 0), ("/", network.tau, 1), ("+", network.beta, 0))
    for sign, value, idle in steps:
        if value != idle:
            number = network.dtype.type(value).item()
            lines.append(f"scores = scores {sign} {kind}({number!r})")
    if network.dtype.kind == "f" and len(lines) > 2:
        lines = [*lines[:2], 'with np.errstate(over="ignore", under="ignore"):'] + [
            f"    {line}" for line in lines[2:]
        ]
    return "".join(f"    {line}\n" for line in [*lines, "return scores"]).rstrip("\n")


def _class_names(network: Network) -> tuple[str, ...]:
    value = network.metadata.get(CLASS_NAMES) if network.groups else None
    return () if value is None else names_of(CLASS_NAMES, value, network.groups)


def _main(network: Network, named: bool) -> str:
    load = "np.load(sys.argv[1])"
    if not network.groups:
        lines = [f"for bits in predict({load}):", '    print(*bits.astype(int), sep="")']
    elif named:
        lines = [f"for number in classify({load}):", "    print(number, CLASSES[number])"]
    else:
        lines = [f"for number in classify({load}):", "    print(number)"]
    return "\n".join(f"    {line}" for line in lines)


FORMAT = Format(
    name="numpy",
    title="Python source that needs NumPy alone",
    suffixes=(".py",),
    write=write_numpy,
    write_options=(
        Option("packed", str, "auto", "arrays as compressed text", ("auto", "yes", "no")),
    ),
    writes="thermometer, gates by level, scores and classes; exact for every input",
)
