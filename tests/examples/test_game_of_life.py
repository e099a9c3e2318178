"""The Game of Life: facts that anyone knows about it, and another implementation of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from typer.testing import CliRunner

import lgnx
from lgnx.netlist import Netlist

SCRIPT = Path(__file__).parents[2] / "examples" / "game_of_life.py"


@pytest.fixture(scope="module")
def life():
    spec = importlib.util.spec_from_file_location("game_of_life", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["game_of_life"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def play(life, tmp_path_factory):
    """Let a network play: give the board after some of its runs. Each network is made once."""
    folder, sessions = tmp_path_factory.mktemp("life"), {}

    def run(board: np.ndarray, runs: int = 1, steps: int = 1) -> np.ndarray:
        height, width = board.shape[-2:]
        key = height, width, steps
        if key not in sessions:
            path = folder / f"{height}x{width}x{steps}.onnx"
            life.write_model(path, height, width, steps)
            sessions[key] = lgnx.InferenceSession(path)
        boards = board.reshape(-1, height, width)
        for _ in range(runs):
            boards = sessions[key].run(None, {"x": boards})[0]
        return boards.reshape(board.shape)

    return run


def rolled(board: np.ndarray) -> np.ndarray:
    """One generation by Conway's words: survive with 2 or 3 neighbours, be born with 3."""
    count = np.zeros(board.shape, int)
    for axis_shift in (-1, 0, 1):
        for other_shift in (-1, 0, 1):
            count += np.roll(np.roll(board, axis_shift, -2), other_shift, -1)
    count -= board
    survive = board & np.isin(count, (2, 3))
    born = ~board & (count == 3)
    return survive | born


def test_the_rule_is_conways(life):
    table = life.rule()
    assert table.sum() == 56 + 28 + 56  # 3 of 8 where it is dead, 2 or 3 of 8 where it lives
    assert not table[0]
    assert table[0b000_111_000]  # between two neighbours
    assert table[0b111_000_000]  # born of three
    assert not table[0b000_010_000]  # alone


def test_the_code_on_the_page_is_the_rule(life):
    text = (SCRIPT.parents[1] / "docs" / "game-of-life.md").read_text(encoding="utf-8")
    names = {"np": np, "lgnx": lgnx, "pack_tables": life.pack_tables}
    exec(text.split("```python\n")[1].split("```")[0], names)
    np.testing.assert_array_equal(names["table"], life.rule())
    board = life.torch.from_numpy(life.first_board("glider", 5, 5))[None, None]
    inner = names["generation"](board)[0, 0].numpy()
    np.testing.assert_array_equal(inner, rolled(board.numpy()[0, 0])[1:-1, 1:-1])


def test_a_glider_comes_back(life, play):
    board = life.first_board("glider", 12, 12)
    later = play(board, 4)
    np.testing.assert_array_equal(later, np.roll(board, (1, 1), (0, 1)))
    np.testing.assert_array_equal(play(board, 4 * 12), board)
    assert all((play(board, n) != board).any() for n in (1, 4, 24, 47))


@pytest.mark.parametrize(("pattern", "period"), [("blinker", 2), ("pulsar", 3)])
def test_oscillators_have_their_period(life, play, pattern, period):
    board = life.first_board(pattern, 20, 20)
    boards = [play(board, n) for n in range(2 * period + 1)]
    for n, later in enumerate(boards):
        assert (later == board).all() == (n % period == 0)


def test_the_gun_fires_a_glider_every_30_generations(life, play):
    board = life.first_board("gun", 44, 78)
    alive = [np.count_nonzero(play(board, 30 * n)) for n in range(4)]
    assert alive == [36, 41, 46, 51]


@pytest.mark.parametrize("shape", [(3, 3), (5, 9)])
def test_every_edge_wraps_around(play, shape):
    for y, x in np.ndindex(shape):
        board = np.zeros(shape, bool)
        for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):  # a block is still wherever it lies
            board[(y + shift[0]) % shape[0], (x + shift[1]) % shape[1]] = True
        np.testing.assert_array_equal(play(board), rolled(board))
        if min(shape) > 3:
            np.testing.assert_array_equal(play(board), board)


@settings(max_examples=60, deadline=None)
@given(
    boards=hnp.arrays(bool, st.tuples(st.sampled_from([0, 1, 5, 65]), st.just(12), st.just(12))),
    steps=st.sampled_from([1, 2]),
)
def test_any_board_goes_as_another_implementation_says(play, boards, steps):
    expected = boards
    for _ in range(steps):
        expected = rolled(expected)
    np.testing.assert_array_equal(play(boards, steps=steps), expected)


def test_torch_and_the_comparison_of_the_example_agree(life):
    import torch

    boards = np.random.default_rng(0).random((40, 9, 14)) < 0.4
    expected = rolled(rolled(boards))
    with torch.no_grad():
        got = life.GameOfLife(2)(torch.from_numpy(boards)).numpy()
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(life.by_hand(life.by_hand(boards)), expected)


def test_the_network_is_a_netlist_and_an_ordinary_model(life, tmp_path):
    from onnx.reference import ReferenceEvaluator

    life.write_model(tmp_path / "life.onnx", 6, 5, 2)
    assert lgnx.check(tmp_path / "life.onnx") == []
    model = lgnx.load(tmp_path / "life.onnx")
    assert [n.op_type for n in model.graph.node if n.domain == "lgnx.ops"] == ["LogicConv"] * 2
    boards = np.random.default_rng(0).random((70, 6, 5)) < 0.4
    expected = rolled(rolled(boards))
    network = lgnx.Network.from_model(model)
    assert isinstance(network.netlist, Netlist)
    np.testing.assert_array_equal(network.scores(boards).reshape(boards.shape), expected)
    complete = lgnx.attach_functions(model)
    np.testing.assert_array_equal(
        ReferenceEvaluator(complete).run(None, {"x": boards})[0], expected
    )


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "steps"), [((6, 8), 2), ((3, 5), 3)])
def test_the_verilog_plays_the_same_game(life, tmp_path, cache, shape, steps):
    from lgnx.converters.verilog import write_rtl
    from lgnx.verify.cosim import CoSimulation, compare

    model = tmp_path / "life.onnx"
    life.write_model(model, *shape, steps)
    write_rtl(lgnx.Network.from_model(model), tmp_path / "rtl")
    simulation = CoSimulation(tmp_path / "rtl", cache_dir=cache)
    boards = np.random.default_rng(0).random((300, *shape)) < 0.4
    boards[:2] = [[[False]], [[True]]]
    expected = boards
    for _ in range(steps):
        expected = rolled(expected)
    np.testing.assert_array_equal(simulation.run(boards).bits, expected.reshape(300, -1))
    report = compare(simulation, model, boards, vcd=None)
    assert (report.samples, report.mismatches) == (300, 0)


def test_a_board_is_drawn_two_rows_to_a_line(life):
    board = np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1]], bool)
    assert life.drawn(board).plain == " ▀▄█\n▀  ▀"


def test_the_picture_holds_every_board(life, tmp_path):
    image = pytest.importorskip("PIL.Image")
    boards = [np.random.default_rng(n).random((6, 9)) < 0.5 for n in range(4)]
    life.save_gif(boards, tmp_path / "life.gif", fps=10, scale=3)
    with image.open(tmp_path / "life.gif") as picture:
        assert (picture.size, picture.n_frames) == ((27, 18), 4)
        for number, board in enumerate(boards):
            picture.seek(number)
            green = np.asarray(picture.convert("RGB"))[1::3, 1::3, 1] > 100
            np.testing.assert_array_equal(green, board)


def command(life, *arguments):
    app = typer.Typer(add_completion=False)
    app.command()(life.main)
    return CliRunner().invoke(app, arguments)


def test_the_command_prints_boards_where_there_is_no_terminal(life):
    result = command(life, "--pattern", "glider", "--size", "8", "--frames", "3", "--steps", "2")
    assert result.exit_code == 0, result.output
    assert [line for line in result.output.splitlines() if "generation" in line] == [
        "generation 0, 5 alive",
        "generation 2, 5 alive",
        "generation 4, 5 alive",
    ]
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "spaceship"], "'spaceship'; there are"),
        (["--size", "2"], "must be at least 3x3"),
        (["--size", "axb"], "must be a number or"),
        (["--size", "200"], "200x200 cells do not fit"),
        (["--size", "30", "--pattern", "gun"], "gun needs 36x9 cells"),
        (["--steps", "0"], "Invalid value for '--steps'"),
    ],
)
def test_bad_arguments_are_named(life, arguments, message):
    result = command(life, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
