"""The picture of docs/streaming.md: what a streaming design consists of.

python docs/draw_streaming.py          writes docs/streaming.svg
python docs/draw_streaming.py --check  says whether it is what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.sax.saxutils import escape

PICTURE = Path(__file__).parent / "streaming.svg"

WIDTH, HEIGHT = 940, 336
CHAIN = (
    ("slice", "register slice"),
    ("fold", "channels"),
    ("encoder", "thermometer"),
    ("layer 0", "LogicConv"),
    ("layer 1", "OrPool"),
    ("...", "more layers"),
    ("collector", "the map"),
    ("tail", "dense layers"),
)
INSIDE = (
    ("line buffers", "memory: rows before"),
    ("window", "registers: columns"),
    ("kernels", "gates, P copies"),
    ("slice", "valid, ready, data"),
)


def box(x: float, y: float, width: float, title: str, below: str, kind: str) -> str:
    """A box of two lines."""
    middle = x + width / 2
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="56" rx="6" class="{kind}"/>\n'
        f'<text x="{middle:g}" y="{y + 24:g}" class="title">{escape(title)}</text>\n'
        f'<text x="{middle:g}" y="{y + 43:g}">{escape(below)}</text>\n'
    )


def arrow(x: float, y: float, length: float) -> str:
    """An arrow to the right."""
    return f'<path d="M{x:g} {y:g} h{length - 3:g}" marker-end="url(#head)"/>\n'


def picture() -> str:
    """Text of the SVG."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
        "<style>\n"
        "text { font: 12px sans-serif; text-anchor: middle; fill: #222; }\n"
        ".title { font-weight: bold; }\n"
        "rect { stroke: #445; fill: #eef2f8; }\n"
        ".once { fill: #e8f3e4; }\n"
        ".image { fill: #f8eedd; }\n"
        ".around { fill: none; }\n"
        "path { stroke: #445; fill: none; }\n"
        ".dashed { stroke-dasharray: 4 3; }\n"
        "</style>\n"
        '<defs><marker id="head" markerWidth="7" markerHeight="7" refX="5" refY="3" '
        'orient="auto"><path d="M0 0 L6 3 L0 6" /></marker></defs>\n'
    ]
    step, width, y = 114, 98, 48
    for i, (title, below) in enumerate(CHAIN):
        x = 20 + i * step
        kind = "image" if title in ("collector", "tail") else "once"
        parts.append(box(x, y, width, title, below, kind))
        parts.append(arrow(x - 16, y + 28, 16))
    parts.append(arrow(20 + 7 * step + width, y + 28, 16))
    labels = ((46, "s_axis: beats"), (892, "m_axis: scores"))
    parts += [f'<text x="{x}" y="34">{label}</text>\n' for x, label in labels]
    left, right = 20 + 3 * step, 20 + 3 * step + width
    parts.append(f'<path class="dashed" d="M{left} 104 L120 172 M{right} 104 L820 172"/>\n')
    parts.append('<rect x="120" y="172" width="700" height="110" rx="6" class="around"/>\n')
    for i, (title, below) in enumerate(INSIDE):
        x = 142 + i * 170
        parts.append(box(x, 200, 146, title, below, "once"))
        parts.append(arrow(x - 22, 228, 22))
    parts.append(
        '<text x="470" y="306">Green grows with the windows (line buffers: with a row); '
        "brown with what the dense layers read.</text>\n"
        '<text x="470" y="326">Every arrow is valid, ready and data; a stall on the right stops '
        "the left without a loss.</text>\n</svg>\n"
    )
    return "".join(parts)


def main() -> int:
    """Write the picture, or compare it."""
    text = picture()
    if "--check" in sys.argv[1:]:
        same = PICTURE.is_file() and PICTURE.read_text("utf-8") == text
        print("up to date" if same else f"{PICTURE.name} would be different")
        return 0 if same else 1
    PICTURE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
