"""The picture of docs/hardware.md that shows what `lgnx prove` compares.

python docs/draw_proof.py   writes docs/proof.svg
"""

from __future__ import annotations

from pathlib import Path

import svgwrite

PICTURE = Path(__file__).parent / "proof.svg"
# Part, the file that holds it in Verilog, how the two are compared.
PARTS = (
    ("thresholds", "_encoder.v", "exact arithmetic,\nthen SAT"),
    ("gates, cut", "_stage0.v", "structure, else SAT"),
    ("gates, cut", "_stage1.v", "structure, else SAT"),
    ("counts", "_popcount.v", "SAT"),
    ("largest", "_argmax.v", "SAT"),
)
WIDTH, HEIGHT, STEP, LEFT = 128, 46, 156, 118
MODEL, RTL = 40, 190
FONT = "font-family:sans-serif;font-size:13px"


def draw() -> svgwrite.Drawing:
    """Draw it."""
    right = LEFT + STEP * len(PARTS)
    picture = svgwrite.Drawing(size=(right + 10, 350), profile="tiny", debug=False)
    picture.attribs["style"] = FONT
    picture.add(picture.rect((0, 0), ("100%", "100%"), fill="white"))

    def text(words: str, x: float, y: float, **style: str) -> None:
        for number, line in enumerate(words.split("\n")):
            picture.add(picture.text(line, (x, y + 16 * number), **style))

    def line(a: tuple[float, float], b: tuple[float, float], color: str) -> None:
        picture.add(picture.line(a, b, stroke=color, stroke_width=1.5))

    text("the model\n(ONNX)", 10, MODEL + 20)
    text("the RTL, read\nback by yosys", 10, RTL + 20)
    for number, (part, file, method) in enumerate(PARTS):
        x = LEFT + STEP * number
        middle = x + WIDTH / 2
        for y, words, color in ((MODEL, part, "#dceaf7"), (RTL, file, "#fdebd3")):
            picture.add(picture.rect((x, y), (WIDTH, HEIGHT), rx=4, fill=color, stroke="black"))
            text(words, middle, y + 28, text_anchor="middle")
            if number + 1 < len(PARTS):
                line((x + WIDTH, y + HEIGHT / 2), (x + STEP, y + HEIGHT / 2), "black")
        line((middle, MODEL + HEIGHT), (middle, MODEL + HEIGHT + 22), "#2a7d2a")
        line((middle, RTL - 22), (middle, RTL), "#2a7d2a")
        text(method, middle, MODEL + HEIGHT + 40, text_anchor="middle", fill="#2a7d2a")
    below = RTL + HEIGHT + 30
    line((LEFT, below - 14), (right - STEP + WIDTH, below - 14), "black")
    text("the parts as the modules connect them: structure", LEFT, below + 4, fill="#2a7d2a")
    text("registers on every way: counted on the netlist", LEFT, below + 24, fill="#2a7d2a")
    text(
        "AXI4-Stream around it: no loss, copy or reordering under any stalls, by model checking",
        LEFT,
        below + 44,
        fill="#2a7d2a",
    )
    return picture


if __name__ == "__main__":
    PICTURE.write_text(draw().tostring() + "\n", encoding="utf-8")
