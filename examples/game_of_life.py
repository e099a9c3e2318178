"""Conway's Game of Life as a logic gate network that anyone can check by eye.

pip install 'lgnx[torch]'                    also [rtl] for --rtl, [view] for --gif
python examples/game_of_life.py              a glider gun, in the terminal
python examples/game_of_life.py --pattern pulsar --size 20
python examples/game_of_life.py --pattern random --gif life.gif --frames 100
python examples/game_of_life.py --rtl        12 x 12 cells as Verilog, simulated and compared

One generation is one LogicConv: a window of 3 x 3 cells is the 9-bit address of one truth table,
which says whether the cell in the middle lives on. The board is a torus.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

import lgnx
import lgnx.torch
from lgnx.ops.errors import require
from lgnx.ops.tables import pack_tables

ALIVE = "O"
PATTERNS = {
    "blinker": "OOO",
    "glider": ".O./..O/OOO",
    "pulsar": "..OOO...OOO..//O....O.O....O/O....O.O....O/O....O.O....O/..OOO...OOO..//"
    "..OOO...OOO../O....O.O....O/O....O.O....O/O....O.O....O//..OOO...OOO..",
    "gun": "........................O/......................O.O/"
    "............OO......OO............OO/...........O...O....OO............OO/"
    "OO........O.....O...OO/OO........O...O.OO....O.O/..........O.....O.......O/"
    "...........O...O/............OO",
}
CORNER = {"glider": (1, 1), "gun": (1, 1)}  # where those begin that travel or send; others centred
SIZES = {"gun": "78x44", "random": "78x44"}


def rule() -> np.ndarray:
    """Say for each of the 512 windows whether the cell in its middle lives on."""
    cells = np.arange(512)[:, None] >> np.arange(9) & 1  # row by row; cell 4 is the middle
    middle = cells[:, 4] == 1
    neighbours = cells.sum(axis=1) - middle
    return (neighbours == 3) | middle & (neighbours == 2)


class GameOfLife(torch.nn.Module):
    """Some generations of the game: bool [batch, height, width] to the same."""

    def __init__(self, steps: int = 1) -> None:
        super().__init__()
        self.steps = steps
        window = np.arange(9, dtype=np.int32)
        self.generation = lgnx.torch.LogicConv(
            indices=window[None],  # one kernel, a tree of one node, which reads the whole window
            tables=pack_tables(rule())[None, None],
            kernel_shape=[3, 3],
        )

    def forward(self, board: torch.Tensor) -> torch.Tensor:
        """Let the generations pass."""
        cells = board.unsqueeze(1)  # a channel, for LogicConv
        for _ in range(self.steps):
            cells = self.generation(wrapped(wrapped(cells, axis=2), axis=3))
        return cells.squeeze(1)


def wrapped(cells: torch.Tensor, axis: int) -> torch.Tensor:
    """Put the last row in front of the first one, and the first behind the last: a torus."""
    last = cells.narrow(axis, cells.shape[axis] - 1, 1)
    return torch.cat([last, cells, cells.narrow(axis, 0, 1)], axis)


def write_model(path: Path, height: int, width: int, steps: int) -> None:
    """Export the network for boards of one size; the file takes any number of boards."""
    board = torch.zeros(2, height, width, dtype=torch.bool)
    lgnx.export(GameOfLife(steps), board, path)


def first_board(pattern: str, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Give the board that a pattern starts from."""
    if pattern == "random":
        return np.random.default_rng(seed).random((height, width)) < 0.3
    rows = PATTERNS[pattern].split("/")
    extent = len(rows), max(map(len, rows))
    if extent[0] > height or extent[1] > width:
        raise typer.BadParameter(f"{pattern} needs {extent[1]}x{extent[0]} cells or more")
    top, left = CORNER.get(pattern, ((height - extent[0]) // 2, (width - extent[1]) // 2))
    board = np.zeros((height, width), bool)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            board[(top + y) % height, (left + x) % width] = cell == ALIVE
    return board


def boards(session: lgnx.InferenceSession, board: np.ndarray) -> Iterator[np.ndarray]:
    """Give a board and, without end, what the network makes of it."""
    name = session.get_inputs()[0].name
    while True:
        yield board
        board = session.run(None, {name: board[None]})[0][0]


def drawn(board: np.ndarray) -> Text:
    """Draw two rows of cells in each line of text."""
    even = np.pad(board, [(0, len(board) % 2), (0, 0)])
    lines = even[0::2] + 2 * even[1::2]
    return Text("\n".join("".join(" ▀▄█"[cell] for cell in line) for line in lines), "green")


def animate(frames: Iterator[np.ndarray], steps: int, fps: float) -> None:
    """Show boards in the terminal until they end, or Ctrl-C; one below the other in a file."""
    console = Console()
    number = 0
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, auto_refresh=False, vertical_overflow="crop") as live,
    ):
        for number, board in enumerate(frames):
            alive = np.count_nonzero(board)
            text = drawn(board).append(f"\ngeneration {number * steps}, {alive} alive", "dim")
            if console.is_terminal:
                live.update(text, refresh=True)
                time.sleep(1 / fps)
            else:
                console.print(text)


def save_gif(frames: list[np.ndarray], path: Path, fps: float, scale: int = 6) -> None:
    """Write boards as an animated picture."""
    image = require("PIL.Image", extra="view")
    pictures = []
    for board in frames:
        pixels = np.kron(board, np.ones((scale, scale), bool)).astype(np.uint8)
        picture = image.fromarray(pixels)
        picture.putpalette([13, 17, 23, 63, 185, 80])
        pictures.append(picture)
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=round(1000 / fps), loop=0
    )


def by_hand(board: np.ndarray) -> np.ndarray:
    """One generation without any network, to compare with: bool [..., height, width]."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    neighbours = sum(np.roll(board, shift, (-2, -1)).astype(int) for shift in shifts)
    return (neighbours == 3) | (board & (neighbours == 2))


def simulate_rtl(folder: Path, height: int, width: int, steps: int, samples: int) -> int:
    """Write the network as Verilog, simulate it, and count the boards that come out wrong."""
    from lgnx.converters.verilog import write_rtl
    from lgnx.verify.cosim import CoSimulation

    model = folder / "life.onnx"
    write_model(model, height, width, steps)
    network = lgnx.Network.from_model(model)
    write_rtl(network, folder / "rtl")
    start = np.random.default_rng(0).random((samples, height, width)) < 0.4
    expected = start
    for _ in range(steps):
        expected = by_hand(expected)
    bits = CoSimulation(folder / "rtl").run(start).bits
    wrong = int((bits.reshape(expected.shape) != expected).any(axis=(1, 2)).sum())
    print(f"{width}x{height} cells, generations: {steps}, gates: {network.netlist.n_nodes:,}")
    print(f"{samples:,} random boards through Verilator, compared with np.roll: {wrong} mismatches")
    return wrong


def main(
    pattern: Annotated[str, typer.Option(help=f"{', '.join([*PATTERNS, 'random'])}.")] = "gun",
    size: Annotated[str, typer.Option(help="Cells: 24, or WIDTHxHEIGHT.")] = "",
    steps: Annotated[int, typer.Option(help="Generations in one network.", min=1)] = 1,
    frames: Annotated[int, typer.Option(help="How many boards; 0: until Ctrl-C.", min=0)] = 300,
    fps: Annotated[float, typer.Option(help="Boards a second.", min=0.1)] = 12,
    seed: Annotated[int, typer.Option(help="Of the random pattern.", min=0)] = 0,
    gif: Annotated[Path | None, typer.Option(help="Write an animated picture instead.")] = None,
    rtl: Annotated[bool, typer.Option("--rtl", help="Simulate the Verilog instead.")] = False,
) -> None:
    """Play Conway's Game of Life with a logic gate network."""
    if pattern not in (*PATTERNS, "random"):
        raise typer.BadParameter(f"{pattern!r}; there are {', '.join([*PATTERNS, 'random'])}")
    width, height = extents(size or ("12" if rtl else SIZES.get(pattern, "24")))
    with tempfile.TemporaryDirectory() as folder:
        if rtl:
            sys.exit(simulate_rtl(Path(folder), height, width, steps, samples=1000) > 0)
        console = Console()
        if gif is None and (width > console.width or height > 2 * console.height - 4):
            raise typer.BadParameter(
                f"{width}x{height} cells do not fit; this terminal shows up to "
                f"{console.width}x{2 * console.height - 4}"
            )
        board = first_board(pattern, height, width, seed)
        write_model(Path(folder) / "life.onnx", height, width, steps)
        session = lgnx.InferenceSession(Path(folder) / "life.onnx")
        shown = itertools.islice(boards(session, board), frames or None)
        if gif:
            save_gif(list(shown), gif, fps)
        else:
            animate(shown, steps, fps)


def extents(size: str) -> tuple[int, int]:
    """Read width and height: "24", "78x44"."""
    width, _, height = size.partition("x")
    if not (width.isdecimal() and (height or width).isdecimal()):
        raise typer.BadParameter(f"size {size!r}, must be a number or WIDTHxHEIGHT")
    extent = int(width), int(height or width)
    if min(extent) < 3:
        raise typer.BadParameter(f"size {size!r}, must be at least 3x3")
    return extent


if __name__ == "__main__":
    typer.run(main)
