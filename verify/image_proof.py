"""Proof that a streaming design gives the model's outputs for every image of an endless stream.

The design is run on symbols (`lgnx.verify.unroll`), from reset, without stalls. Its control, which
reads no data, stays known; the result of an image becomes a netlist of the image's bits, which is
proved equal to the model's. At the start of every image, whatever is not control is taken to hold
anything, so what an image leaves behind cannot matter. Control at the start of an image takes a few
values only; once they repeat, every image of an endless stream is proved.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.encoder import Encoder
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import LgnxError
from lgnx.optimize.proof import prove
from lgnx.verify.cec import proved_by_cec
from lgnx.verify.machine import UNKNOWN, Machine
from lgnx.verify.rtl import Rtl
from lgnx.verify.unroll import Unrolling, known_bits

__all__ = ["ImageProof", "prove_images"]

_MOST_STARTS = 64  # different values of control at the start of an image
_SLACK = 64  # clocks beyond those that the sidecar promises, before a result is given up


class _StoppedError(LgnxError):
    """The time is over."""


class _WrongError(LgnxError):
    """The design does what it must not."""


@dataclass(frozen=True)
class ImageProof:
    """What is known about the images of an endless stream.

    Attributes
    ----------
    status
        ``"proved"``, ``"refuted"``, or ``"open"`` where the time was over.
    method
        By what, or why not.
    latency, interval
        Clocks that the design takes, where they were found.
    seconds
        Time it took.
    """

    status: str
    method: str
    latency: int | None
    interval: float | None
    seconds: float


@dataclass(frozen=True)
class _Image:
    """One image that was run: its outputs, and how control stands when the next one begins."""

    found: Netlist
    wanted: Netlist
    latency: int
    clocks: int
    next_start: np.ndarray
    next_pending: int


def prove_images(
    rtl: Rtl,
    machine: Machine,
    encoder: Encoder,
    wanted: Netlist,
    *,
    budget: float,
    progress: Callable[[str], None],
) -> ImageProof:
    """Prove that every image of an endless stream without stalls gives the model's outputs.

    Parameters
    ----------
    machine
        The whole design.
    encoder
        Of the whole image: it says where a feature's bits are in ``wanted``.
    wanted
        From the bits of all features to the outputs, in the order of the port.
    budget
        Seconds.
    progress
        Called with the name of each step as it begins.
    """
    started = time.perf_counter()
    run = _Run(rtl, machine, encoder, wanted, started + budget, progress)

    def result(status: str, method: str) -> ImageProof:
        seconds = time.perf_counter() - started
        return ImageProof(status, method, run.latency, run.interval, seconds)

    try:
        method = run.all_images()
    except _StoppedError as stopped:
        return result("open", str(stopped))
    except _WrongError as wrong:
        return result("refuted", str(wrong))
    return result("proved", method)


class _Run:
    """The images of one design."""

    def __init__(
        self,
        rtl: Rtl,
        machine: Machine,
        encoder: Encoder,
        wanted: Netlist,
        deadline: float,
        progress: Callable[[str], None],
    ) -> None:
        assert rtl.stream is not None
        self.rtl, self.stream, self.machine, self.wanted = rtl, rtl.stream, machine, wanted
        self.deadline, self.progress = deadline, progress
        self.inputs = {name: i for i, name in enumerate(machine.inputs)}
        self.outputs = {name: i for i, name in enumerate(machine.outputs)}
        self.beats, self.image_bits = _beats(rtl, encoder)
        self.latency: int | None = None
        self.interval: float | None = None
        self.gates = 0

    def all_images(self) -> str:
        """Run images until control at their start repeats; gives the method in words."""
        start, pending = self.after_reset(), 0
        seen: dict[bytes, int] = {}
        clocks: list[int] = []
        ways: set[str] = set()
        while (key := start.tobytes() + pending.to_bytes(4, "little")) not in seen:
            if len(seen) == _MOST_STARTS:
                raise _WrongError(f"control at the start of an image takes over {len(seen)} values")
            seen[key] = len(clocks)
            image = self.image(len(clocks), start, pending)
            if self.latency is None:
                self.latency = image.latency
            clocks.append(image.clocks)
            ways.add(self.compare(len(clocks) - 1, image))
            start, pending = image.next_start, image.next_pending
        again = clocks[seen[key] :]
        self.interval = sum(again) / len(again)
        known = int((start != UNKNOWN).sum())
        return (
            f"{sum(clocks):,} clocks on symbols for {len(seen)} states of {known:,} registers of "
            f"control at the start of an image; {self.gates:,} gates; {' and '.join(sorted(ways))}"
        )

    def after_reset(self) -> np.ndarray:
        """Values of the registers: the initial ones, or behind one clock of reset from any."""
        reset = self.rtl.reset
        if reset is None:
            return self.machine.start
        unknown = np.full(len(self.machine.start), UNKNOWN, np.uint8)
        n_inputs = len(self.machine.inputs)
        run = Unrolling(self.machine, n_inputs, unknown, 1)
        port = run.free.copy()
        port[self.inputs[reset.name]] = not reset.active_low
        run.clock(port)
        return known_bits(run.state)

    def image(self, number: int, start: np.ndarray, pending: int) -> _Image:
        """Run one image, and what comes behind it until its result leaves.

        ``pending`` results of images before it are still inside.
        """
        per_image = self.image_bits
        promised = self.rtl.latency + 2 * self.stream.interval + _SLACK
        images = 2 + promised // max(1, len(self.beats))
        run = Unrolling(self.machine, images * per_image, start, promised)
        port = np.zeros(len(self.machine.inputs), np.uint32)
        port[self.inputs["s_axis_tvalid"]] = port[self.inputs["m_axis_tready"]] = 1
        if self.rtl.reset is not None:
            port[self.inputs[self.rtl.reset.name]] = self.rtl.reset.active_low
        data = self.places(self.inputs, "s_axis_tdata", self.stream.tdata_width)
        result = self.places(self.outputs, "m_axis_tdata", self.wanted.n_outputs)
        beat = left = 0
        found: tuple[int, int] | None = None
        clocks: int | None = None
        after: tuple[np.ndarray, int] | None = None
        for clock in range(promised):
            self.check_time(number, clock)
            image, place = divmod(beat, len(self.beats))
            port[data] = run.free[self.beats[place] + image * per_image]
            port[self.inputs["s_axis_tlast"]] = place == len(self.beats) - 1
            values = run.clock(port)
            if self.one(run, values, "frame_error", clock):
                raise _WrongError(f"clock {clock} of an image: frame_error is 1")
            if self.one(run, values, "m_axis_tvalid", clock):
                if left == pending:
                    found = (clock, run.keep(values[result]))
                left += 1
            beat += self.one(run, values, "s_axis_tready", clock)
            if beat == len(self.beats) and clocks is None:
                clocks, after = clock + 1, (known_bits(run.state), pending + 1 - left)
            if found and clocks and after:
                run.keep(run.embed(self.wanted, run.free[: self.wanted.n_inputs]))
                *_, one, other = run.finish()
                self.gates += _only(one, np.arange(one.n_outputs)).n_nodes
                return _Image(one, other, found[0], clocks, *after)
        raise _WrongError(
            f"after {promised} clocks without stalls {beat} of {len(self.beats)} beats were taken "
            f"and {left} results came, not that of the image"
        )

    def compare(self, number: int, image: _Image) -> str:
        """Prove an image's outputs; gives the method."""
        differ = np.flatnonzero(image.found.outputs != image.wanted.outputs)
        if not len(differ):
            return "the same gates on the same gates"
        self.progress(f"outputs of image {number}")
        one, other = _narrowed(*(_only(netlist, differ) for netlist in (image.found, image.wanted)))
        if proved_by_cec(one, other, budget=max(1.0, self.deadline - time.perf_counter())):
            return "ABC &cec"
        verdict = prove(one, other, budget=max(1.0, self.deadline - time.perf_counter()))
        if verdict.status == "tested":
            raise _StoppedError(
                f"image {number} was unrolled, but its outputs not proved: {verdict.method}"
            )
        if verdict.status == "refuted":
            raise _WrongError(f"image {number} has other outputs than the model: {verdict.method}")
        return verdict.method

    def one(self, run: Unrolling, values: np.ndarray, name: str, clock: int) -> bool:
        """Value of an output that must be known."""
        literal = int(values[self.outputs[name]])
        if literal > 1:
            raise _WrongError(f"clock {clock} of an image: {name} depends on {run.cause(literal)}")
        return literal == 1

    def places(self, names: dict[str, int], port: str, width: int) -> np.ndarray:
        if width == 1 and port in names:
            return np.array([names[port]])
        return np.array([names[f"{port}[{i}]"] for i in range(width)])

    def check_time(self, number: int, clock: int) -> None:
        if time.perf_counter() > self.deadline:
            raise _StoppedError(f"stopped at clock {clock} of image {number}")
        if clock % 64 == 0:
            self.progress(f"image {number} on symbols: clock {clock}")


def _beats(rtl: Rtl, encoder: Encoder) -> tuple[np.ndarray, int]:
    """Bit of an image at each bit of tdata in each beat, int64 [beats, width]; and their number.

    The image's bits are those of its features, then those that carry nothing.
    """
    assert rtl.stream is not None
    features = rtl.stream.features
    beats = np.full((len(features), rtl.stream.tdata_width), -1, np.int64)
    offsets = np.array(encoder.offsets)
    for slot, (low, width) in enumerate(rtl.stream.slots):
        column = features[:, slot]
        for bit in range(width):
            there = (column >= 0) & (bit < np.diff(offsets)[column])
            beats[there, low + bit] = offsets[column[there]] + bit
    filler = beats < 0
    beats[filler] = offsets[-1] + np.arange(filler.sum())
    return beats, int(offsets[-1] + filler.sum())


def _only(netlist: Netlist, outputs: np.ndarray) -> Netlist:
    """Some of the outputs, and what they need."""
    return Netlist(
        netlist.n_inputs,
        *engine.optimize(netlist.n_inputs, netlist.kinds, netlist.fanins, netlist.outputs[outputs]),
    )


def _narrowed(*netlists: Netlist) -> list[Netlist]:
    """Netlists of the inputs that one of them reads: a run has a hundred million variables."""
    lines = [np.concatenate([n.fanins.ravel(), n.outputs]) >> 1 for n in netlists]
    read = np.unique(np.concatenate(lines))
    read = read[(read > 0) & (read <= netlists[0].n_inputs)]
    return [netlist.over_inputs(read - 1) for netlist in netlists]
