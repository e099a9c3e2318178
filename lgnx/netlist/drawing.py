"""Drawing of one output's cone with matplotlib: inputs left, output right, a column a level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from lgnx.netlist.netlist import AND_KIND, Netlist
from lgnx.netlist.view import cone, names_of_inputs
from lgnx.ops.errors import require

_COLUMN, _ROW = 2.0, 0.8  # distance of columns and rows, in units of the drawing
_WIDTH, _HEIGHT = 0.92, 0.46  # size of a box
_MAX_WIDTH = 3.0
_DOT = 0.06  # radius of the circle that marks a complemented input
_STYLES = {  # face, edge, text
    "AND": ("#dbeafe", "#1d4ed8", "#1e3a8a"),
    "XOR": ("#ffedd5", "#c2410c", "#7c2d12"),
    "input": ("#f3f4f6", "#6b7280", "#111827"),
    "cut": ("#ffffff", "#9ca3af", "#6b7280"),
    "output": ("#dcfce7", "#15803d", "#14532d"),
}
_WIRE, _INVERTED_WIRE = "#6b7280", "#b91c1c"


_Key = int | tuple[int, bool, int]


@dataclass
class _Box:
    """A box, or a place where a long wire passes a column ("way")."""

    kind: str
    label: str
    column: int
    y: float = 0.0

    @property
    def left(self) -> float:
        middle = self.column * _COLUMN
        if self.kind == "way":
            return middle - _WIDTH / 2
        return middle + _WIDTH / 2 - self.width if self.column == 0 else middle - _WIDTH / 2

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def width(self) -> float:
        return max(_WIDTH, min(_MAX_WIDTH, 0.13 * len(self.label) + 0.2))

    @property
    def row(self) -> float:
        return _ROW / 2 if self.kind == "way" else _ROW


@dataclass
class _Picture:
    boxes: dict[_Key, _Box]
    wires: list[tuple[_Key, _Key, bool]]  # from, to, complemented
    n_columns: int
    hidden: int


_OUTPUT = -1  # key of the output's box; nodes and inputs have their variables


def draw_cone(
    netlist: Netlist,
    output: int,
    path: str | FilePath | None = None,
    *,
    ax: Any = None,
    input_names: Sequence[str] | None = None,
    output_name: str | None = None,
    max_nodes: int = 40,
) -> Any:
    """Draw the nodes that one output depends on.

    A dashed red wire that ends in a circle is complemented. Of a cone with more than
    ``max_nodes`` nodes, only those next to the output are drawn; dashed boxes stand for the nodes
    at which it was cut.

    Parameters
    ----------
    netlist
        A valid netlist.
    output
        Number of the output.
    path
        File to write, in the format of its suffix (.png, .svg, .pdf).
    ax
        Matplotlib axes to draw on; else a figure of suitable size is made.
    input_names
        Labels of the inputs; x0, x1... if not given.
    output_name
        Label of the output; y and its number if not given.
    max_nodes
        Most nodes to draw.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on; its ``figure`` is the figure.

    Raises
    ------
    InputError
        If there is no such output, or the number of names does not fit.
    MissingExtraError
        If matplotlib is not installed.
    """
    figure_module = require("matplotlib.figure", extra="view")
    names = names_of_inputs(netlist, input_names)
    picture = _picture(cone(netlist, output), names, output_name or f"y{output}", max_nodes)
    _arrange(picture)
    rows = [box.y for box in picture.boxes.values()]
    left = min(box.left for box in picture.boxes.values()) - _WIDTH / 4
    right = max(box.right for box in picture.boxes.values()) + _WIDTH / 4
    bottom, top = min(rows) - _ROW, max(rows) + _ROW
    if ax is None:
        size = (max(3.0, 0.62 * (right - left)), max(1.6, 0.62 * (top - bottom)))
        ax = figure_module.Figure(figsize=size, layout="constrained").add_subplot()
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_aspect("equal")
    ax.set_axis_off()
    _draw(ax, picture)
    if picture.hidden:
        text = f"{picture.hidden:,} more nodes lie behind the dashed boxes"
        ax.set_title(text, fontsize=9, color=_STYLES["cut"][2])
    if path is not None:
        ax.figure.savefig(path, dpi=150)
    return ax


def _picture(netlist: Netlist, names: Sequence[str], output_name: str, limit: int) -> _Picture:
    """Choose what to draw, and the column of each box."""
    first = netlist.first_node
    literal = int(netlist.outputs[0])
    shown: set[int] = set()
    front = {literal >> 1} if literal >> 1 >= first else set()
    while front and len(shown) + len(front) <= max(1, limit):
        shown |= front
        sources = {int(f) >> 1 for node in front for f in netlist.fanins[node - first]}
        front = {source for source in sources if source >= first} - shown
    boxes: dict[_Key, _Box] = {}
    wires: list[tuple[_Key, _Key, bool]] = []
    for node in sorted(shown):
        column = 0
        for fanin in netlist.fanins[node - first].tolist():
            source = fanin >> 1
            if source not in boxes:
                boxes[source] = _leaf(source, first, names)
            column = max(column, boxes[source].column)
            wires.append((source, node, bool(fanin & 1)))
        kind = "AND" if netlist.kinds[node - first] == AND_KIND else "XOR"
        boxes[node] = _Box(kind, kind, column + 1)
    if literal >> 1 not in boxes:
        boxes[literal >> 1] = _leaf(literal >> 1, first, names)
    last = boxes[literal >> 1].column + 1
    boxes[_OUTPUT] = _Box("output", output_name, last)
    wires.append((literal >> 1, _OUTPUT, bool(literal & 1)))
    parts = [part for wire in wires for part in _stages(boxes, *wire)]
    # Wires from one box share their way until one of them ends.
    shared = dict.fromkeys(part for part in parts if boxes[part[1]].kind == "way")
    ending = [part for part in parts if boxes[part[1]].kind != "way"]
    return _Picture(boxes, [*shared, *ending], last + 1, netlist.n_nodes - len(shown))


def _stages(
    boxes: dict[_Key, _Box], source: _Key, reader: _Key, inverted: bool
) -> list[tuple[_Key, _Key, bool]]:
    """Lead a wire from column to column, so that it passes no box on its way."""
    first, last = boxes[source].column, boxes[reader].column
    ways: list[_Key] = []
    for column in range(first + 1, last):
        way = (int(source) if isinstance(source, int) else 0, inverted, column)
        boxes.setdefault(way, _Box("way", "", column))
        ways.append(way)
    chain = [source, *ways, reader]
    return [(a, b, inverted) for a, b in pairwise(chain)]


def _leaf(variable: int, first: int, names: Sequence[str]) -> _Box:
    if variable == 0:
        return _Box("input", "0", 0)
    if variable < first:
        return _Box("input", names[variable - 1], 0)
    return _Box("cut", "...", 0)


def _arrange(picture: _Picture) -> None:
    """Choose the heights: each box near the mean of its neighbours, in sweeps to and fro."""
    columns: list[list[_Key]] = [[] for _ in range(picture.n_columns)]
    sources: dict[_Key, list[_Key]] = {key: [] for key in picture.boxes}
    readers: dict[_Key, list[_Key]] = {key: [] for key in picture.boxes}
    for source, reader, _ in picture.wires:
        sources[reader].append(source)
        readers[source].append(reader)
    # Leaves start in the order in which a walk from the output meets them.
    rank: dict[_Key, int] = {}
    stack: list[_Key] = [_OUTPUT]
    while stack:
        key = stack.pop()
        if key not in rank:
            rank[key] = len(rank)
            stack += reversed(sources[key])
    for key in sorted(picture.boxes, key=rank.__getitem__):
        columns[picture.boxes[key].column].append(key)
    for keys in columns:
        _place(picture, keys, [-_ROW * i for i in range(len(keys))])
    for sweep in range(12):
        forth = sweep % 2 == 0
        for keys in columns if forth else reversed(columns):
            wanted = []
            for key in keys:
                here, there = sources[key], readers[key]
                neighbours = (here if forth else there) or here + there
                wanted.append(float(np.mean([picture.boxes[n].y for n in neighbours])))
            _place(picture, keys, wanted)


def _place(picture: _Picture, keys: list[_Key], wanted: list[float]) -> None:
    """Put the boxes of a column as near as possible to where they want to be."""
    order = np.argsort(-np.array(wanted), kind="stable")
    keys[:] = [keys[i] for i in order]
    rows = np.array([picture.boxes[key].row for key in keys])
    # Distance from the top of the column if all boxes stood close together.
    depths = np.cumsum(rows) - rows / 2
    # Boxes that would overlap form a block; it stands at the mean of what its members want.
    blocks: list[tuple[float, int]] = []
    for top in np.array(wanted)[order] + depths:
        mean, size = float(top), 1
        while blocks and blocks[-1][0] < mean:
            other, others = blocks.pop()
            mean, size = (mean * size + other * others) / (size + others), size + others
        blocks.append((mean, size))
    tops = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    for key, y in zip(keys, tops - depths, strict=True):
        picture.boxes[key].y = float(y)


def _draw(ax: Any, picture: _Picture) -> None:
    patches = require("matplotlib.patches", extra="view")
    curve = require("matplotlib.path", extra="view").Path
    # The inputs of a box lie side by side on its left edge, in the order of where they come from.
    incoming: dict[_Key, list[tuple[_Key, bool]]] = {key: [] for key in picture.boxes}
    for source, reader, inverted in picture.wires:
        incoming[reader].append((source, inverted))
    for reader, wires in incoming.items():
        box = picture.boxes[reader]
        wires.sort(key=lambda wire: -picture.boxes[wire[0]].y)
        for i, (source, inverted) in enumerate(wires):
            start = picture.boxes[source]
            ends_here = inverted and box.kind != "way"
            x0, x1 = start.right, box.left - 2 * _DOT * ends_here
            y1 = box.y + (0.5 * (len(wires) - 1) - i) * _HEIGHT / 2
            middle = (x0 + x1) / 2
            vertices = [(x0, start.y), (middle, start.y), (middle, y1), (x1, y1)]
            codes = [curve.MOVETO, curve.CURVE4, curve.CURVE4, curve.CURVE4]
            if box.kind == "way":
                vertices.append((box.right, y1))
                codes.append(curve.LINETO)
            color = _INVERTED_WIRE if inverted else _WIRE
            ax.add_patch(
                patches.PathPatch(
                    curve(vertices, codes),
                    fill=False,
                    edgecolor=color,
                    linewidth=1.0,
                    linestyle=(0, (4, 2)) if inverted else "solid",
                    zorder=1,
                )
            )
            if ends_here:
                ax.add_patch(
                    patches.Circle(
                        (x1 + _DOT, y1), _DOT, facecolor="white", edgecolor=color, zorder=3
                    )
                )
    for box in picture.boxes.values():
        if box.kind == "way":
            continue
        face, edge, text = _STYLES[box.kind]
        ax.add_patch(
            patches.FancyBboxPatch(
                (box.left, box.y - _HEIGHT / 2),
                box.width,
                _HEIGHT,
                boxstyle="round,pad=0,rounding_size=0.1",
                facecolor=face,
                edgecolor=edge,
                linestyle="dashed" if box.kind == "cut" else "solid",
                linewidth=1.2,
                zorder=2,
            )
        )
        size = min(9.0, 9 * (_MAX_WIDTH - 0.2) / (0.13 * max(1, len(box.label))))
        x = (box.left + box.right) / 2
        ax.text(
            x,
            box.y,
            box.label,
            ha="center",
            va="center",
            fontsize=size,
            color=text,
            zorder=4,
            parse_math=False,  # a $ in a name is a $
        )
