"""Proof that a streaming design gives the model's outputs for every image of an endless stream.

The design is run on symbols (`lgnx.verify.unroll`), from reset, without stalls. Its control, which
reads no data, stays known. Where the values of an image cross from module to module
(`lgnx.verify.stream_values`) the run is cut: what arrives is proved to be what the model has there
of the values of the crossing before, whatever those are, and goes on as variables. So each proof is
about one layer, and together they are about the whole. At the start of every image, whatever is not
control is taken to hold anything, so what an image leaves behind cannot matter. Control at the
start of an image takes a few values only; once they repeat, every image of an endless stream is
proved.

The tail behind the last crossing has a proof of its own, of all beats that it may be given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from lgnx.converters.verilog.streaming import Plan
from lgnx.netlist.netlist import Netlist
from lgnx.ops import engine
from lgnx.ops.errors import LgnxError
from lgnx.optimize.proof import prove
from lgnx.verify.cec import proved_by_cec
from lgnx.verify.machine import UNKNOWN, read_machine
from lgnx.verify.rtl import Rtl
from lgnx.verify.stream_values import Crossing, crossings
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
class _Start:
    """How the design stands when an image begins.

    Attributes
    ----------
    registers
        0, 1 or `UNKNOWN`, uint8.
    pending
        Results of images before it that are still to leave.
    inside
        For each crossing, beats of such images that are still to cross.
    """

    registers: np.ndarray
    pending: int
    inside: tuple[int, ...]

    @property
    def key(self) -> tuple[bytes, int, tuple[int, ...]]:
        return (self.registers.tobytes(), self.pending, self.inside)


@dataclass(frozen=True)
class _Image:
    """One image that was run.

    Attributes
    ----------
    found
        Netlist whose outputs are what crossed, one crossing behind the other.
    wanted
        The same nodes, with what must have crossed.
    origin, place
        Of each output: the number of its crossing, and its place among the values there.
    latency, clocks
        Clocks until its result left, and until the next image can come.
    """

    found: Netlist
    wanted: Netlist
    origin: np.ndarray
    place: np.ndarray
    latency: int
    clocks: int
    next_start: _Start


def prove_images(
    rtl: Rtl,
    plan: Plan,
    known: Mapping[str, Netlist],
    *,
    budget: float,
    progress: Callable[[str], None],
) -> ImageProof:
    """Prove that every image of an endless stream without stalls comes to the tail as the model's.

    Parameters
    ----------
    plan
        The model, cut as the design has it cut.
    known
        What modules were proved to compute; these are not looked into.
    budget
        Seconds.
    progress
        Called with the name of each step as it begins.

    Raises
    ------
    ModelError, ComparisonError, ToolError, MissingExtraError
        See `lgnx.verify.machine.read_machine`.
    """
    started = time.perf_counter()
    run = _Run(rtl, plan, known, started + budget, progress)

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
        plan: Plan,
        known: Mapping[str, Netlist],
        deadline: float,
        progress: Callable[[str], None],
    ) -> None:
        assert rtl.stream is not None
        self.rtl, self.stream = rtl, rtl.stream
        self.deadline, self.progress = deadline, progress
        self.crossings = crossings(rtl, plan)
        progress("reading the design back as one machine")
        handshakes = dict.fromkeys(net for c in self.crossings for net in (c.valid, c.ready))
        self.machine = read_machine(
            rtl,
            known,
            cuts=[crossing.net for crossing in self.crossings],
            probes=handshakes,
            timeout=max(1.0, deadline - time.perf_counter()),
        )
        self.inputs = {name: i for i, name in enumerate(self.machine.inputs)}
        self.outputs = {name: i for i, name in enumerate(self.machine.outputs)}
        self.control = ("s_axis_tready", "m_axis_tvalid", "frame_error", *handshakes)
        places = np.array([self.outputs[name] for name in self.control])
        self.control_step = _only(self.machine.step, places)
        self.beats, self.image_bits = _beats(rtl, plan)
        self.latency: int | None = None
        self.interval: float | None = None
        self.gates = self.values = 0

    def all_images(self) -> str:
        """Run images until control at their start repeats; gives the method in words."""
        start = _Start(self.after_reset(), 0, (0,) * len(self.crossings))
        seen: dict[tuple[bytes, int, tuple[int, ...]], int] = {}
        clocks: list[int] = []
        ways: set[str] = set()
        while start.key not in seen:
            if len(seen) == _MOST_STARTS:
                raise _WrongError(f"control at the start of an image takes over {len(seen)} values")
            seen[start.key] = len(clocks)
            image = self.image(len(clocks), start)
            if self.latency is None:
                self.latency = image.latency
            clocks.append(image.clocks)
            ways |= self.compare(len(clocks) - 1, image)
            start = image.next_start
        again = clocks[seen[start.key] :]
        self.interval = sum(again) / len(again)
        known = int((start.registers != UNKNOWN).sum())
        return (
            f"{sum(clocks):,} clocks on symbols for {len(seen)} states of {known:,} registers of "
            f"control at the start of an image; {self.values:,} values at {len(self.crossings)} "
            f"crossings, {self.gates:,} gates; {' and '.join(sorted(ways))}"
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

    def image(self, number: int, start: _Start) -> _Image:
        """Run one image, and what comes behind it until its result leaves."""
        most = self.rtl.latency + 2 * self.stream.interval + _SLACK
        values = _Values(self, start, most)
        run = values.run
        port = np.zeros(len(self.machine.inputs), np.uint32)
        port[self.inputs["s_axis_tvalid"]] = port[self.inputs["m_axis_tready"]] = 1
        if self.rtl.reset is not None:
            port[self.inputs[self.rtl.reset.name]] = self.rtl.reset.active_low
        data = self.places(self.inputs, "s_axis_tdata", self.stream.tdata_width)
        beat = left = 0
        latency: int | None = None
        clocks: int | None = None
        after: _Start | None = None
        for clock in range(most):
            self.check_time(number, clock)
            image, place = divmod(beat, len(self.beats))
            port[data] = values.port[self.beats[place] + image * self.image_bits]
            port[self.inputs["s_axis_tlast"]] = place == len(self.beats) - 1
            values.take_nothing(port, clock)
            look = run.look(self.control_step, port)
            now = {
                name: self.one(run, int(literal), name, clock)
                for name, literal in zip(self.control, look, strict=True)
            }
            if now["frame_error"]:
                raise _WrongError(f"clock {clock} of an image: frame_error is 1")
            values.take(port, now)
            values.keep(run.clock(port), now)
            if now["m_axis_tvalid"]:
                if left == start.pending:
                    latency = clock
                left += 1
            beat += now["s_axis_tready"]
            if beat == len(self.beats) and clocks is None:
                clocks = clock + 1
                pending = start.pending + 1 - left
                for crossing, inside in zip(self.crossings, values.inside, strict=True):
                    if inside < 0:
                        raise _WrongError(
                            f"image {number}: {crossing.source} gives {-inside} beats too many"
                        )
                after = _Start(known_bits(run.state), pending, values.inside)
            if latency is not None and clocks is not None and after is not None:
                found, wanted = values.finish()
                self.gates += _only(found, np.arange(found.n_outputs)).n_nodes
                self.values += found.n_outputs
                return _Image(found, wanted, *values.origin(), latency, clocks, after)
        raise _WrongError(
            f"after {most} clocks without stalls {beat} of {len(self.beats)} beats were taken "
            f"and {left} results came, not that of the image"
        )

    def compare(self, number: int, image: _Image) -> set[str]:
        """Prove what crossed in an image; gives the methods."""
        differ = image.found.outputs != image.wanted.outputs
        ways = {"the same gates on the same gates"} if not differ.all() else set()
        for place, crossing in enumerate(self.crossings):
            if len(own := np.flatnonzero(differ & (image.origin == place))):
                self.progress(f"what {crossing.source} gives in image {number}")
                ways.add(self.prove(number, crossing, image, own))
        return ways

    def prove(self, number: int, crossing: Crossing, image: _Image, own: np.ndarray) -> str:
        """Prove some of what crossed; gives the method."""
        one, other = _narrowed(*(_only(netlist, own) for netlist in (image.found, image.wanted)))
        if proved_by_cec(one, other, budget=max(1.0, self.deadline - time.perf_counter())):
            return "ABC &cec"
        verdict = prove(one, other, budget=max(1.0, self.deadline - time.perf_counter()))
        what = f"{len(own):,} bits that {crossing.source} gives in image {number}"
        if verdict.status == "tested":
            raise _StoppedError(f"{what} were not proved: {verdict.method}")
        if verdict.status == "refuted":
            assert verdict.counterexample is not None
            x = verdict.counterexample[None]
            wrong = np.flatnonzero(one.simulate(x)[0] != other.simulate(x)[0])
            first = np.unravel_index(image.place[own[wrong[0]]], crossing.shape)
            raise _WrongError(
                f"image {number}: {crossing.source} gives another value than the model at "
                f"{[int(i) for i in first]} ({verdict.method})"
            )
        return verdict.method

    def one(self, run: Unrolling, literal: int, name: str, clock: int) -> bool:
        """Value of an output that must be known."""
        if literal > 1:
            raise _WrongError(f"clock {clock} of an image: {name} depends on {run.cause(literal)}")
        return literal == 1

    def places(self, names: Mapping[str, int], port: str, width: int) -> np.ndarray:
        if width == 1 and port in names:
            return np.array([names[port]])
        return np.array([names[f"{port}[{i}]"] for i in range(width)])

    def check_time(self, number: int, clock: int) -> None:
        if time.perf_counter() > self.deadline:
            raise _StoppedError(f"stopped at clock {clock} of image {number}")
        if clock % 64 == 0:
            self.progress(f"image {number} on symbols: clock {clock}")


class _Values:
    """What crosses from module to module in the run of one image.

    Every value of the image that crosses is a variable from there on. All else that the nets hold,
    when nothing crosses or in beats of other images, is a variable of its own in each clock. The
    tail is given zeros, since of what it makes of its input nothing is looked at.
    """

    def __init__(self, owner: _Run, start: _Start, most: int) -> None:
        self.crossings, self.start = owner.crossings, start
        machine = owner.machine
        widths = [crossing.beats.shape[1] for crossing in self.crossings]
        self.reads = [
            owner.places(owner.inputs, f"{c.net}.i", w)
            for c, w in zip(self.crossings, widths, strict=True)
        ]
        self.gives = [
            owner.places(owner.outputs, c.net, w)
            for c, w in zip(self.crossings, widths, strict=True)
        ]
        images = 2 + most // max(1, len(owner.beats))
        sizes = [c.wanted.n_outputs if c.wanted else 0 for c in self.crossings]
        parts = np.cumsum([images * owner.image_bits, *sizes])
        self.run = Unrolling(
            machine, int(parts[-1]) + sum(widths[:-1]) * most, start.registers, most
        )
        self.port, *self.variables = np.split(self.run.free, parts)
        self.noise = self.variables.pop().reshape(most, -1)
        self.noisy = np.concatenate([*self.reads[:-1], np.zeros(0, np.int64)])
        self.crossed = [0] * len(self.crossings)
        self.kept: list[tuple[int, np.ndarray]] = []

    def beat(self, place: int) -> np.ndarray | None:
        """What the next beat of a crossing carries, if it is one of this image."""
        number, beats = self.crossed[place] - self.start.inside[place], self.crossings[place].beats
        return beats[number] if 0 <= number < len(beats) else None

    def take_nothing(self, port: np.ndarray, clock: int) -> None:
        """Let what reads a crossing read anything."""
        port[self.noisy] = self.noise[clock]

    def take(self, port: np.ndarray, now: Mapping[str, bool]) -> None:
        """Let what reads a crossing read the values that cross."""
        for place, crossing in enumerate(self.crossings[:-1]):
            beat = self.beat(place)
            if now[crossing.valid] and now[crossing.ready] and beat is not None:
                there = beat >= 0
                port[self.reads[place][there]] = self.variables[place][beat[there]]

    def keep(self, outputs: np.ndarray, now: Mapping[str, bool]) -> None:
        """Hold what crosses, to be proved."""
        for place, crossing in enumerate(self.crossings):
            if now[crossing.valid] and now[crossing.ready]:
                beat = self.beat(place)
                if beat is not None:
                    there = beat >= 0
                    self.run.keep(outputs[self.gives[place][there]])
                    self.kept.append((place, beat[there]))
                self.crossed[place] += 1

    @property
    def inside(self) -> tuple[int, ...]:
        """Beats of this image and those before it that are still to cross."""
        return tuple(
            inside + len(crossing.beats) - crossed
            for inside, crossing, crossed in zip(
                self.start.inside, self.crossings, self.crossed, strict=True
            )
        )

    def origin(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each value that was held, the number of its crossing and its place there."""
        sizes = [len(beat) for _, beat in self.kept]
        numbers = np.repeat([number for number, _ in self.kept], sizes)
        return numbers, np.concatenate([beat for _, beat in self.kept])

    def finish(self) -> tuple[Netlist, Netlist]:
        """What crossed, and what must have; the end of the run."""
        for crossing, crossed, inside in zip(
            self.crossings, self.crossed, self.start.inside, strict=True
        ):
            if crossed < inside + len(crossing.beats):
                raise _WrongError(
                    f"the result of an image leaves when {crossing.source} has given "
                    f"{crossed - inside} of {len(crossing.beats)} beats"
                )
        before, models = self.port, []
        for crossing, variables in zip(self.crossings, self.variables, strict=True):
            if crossing.wanted is None:
                models.append(before)
            else:
                given = before[: crossing.wanted.n_inputs]
                models.append(self.run.embed(crossing.wanted, given))
                before = variables
        for place, beat in self.kept:
            self.run.keep(models[place][beat])
        both = self.run.finish()
        half = both.n_outputs // 2
        return (
            Netlist(both.n_inputs, both.kinds, both.fanins, both.outputs[:half]),
            Netlist(both.n_inputs, both.kinds, both.fanins, both.outputs[half:]),
        )


def _beats(rtl: Rtl, plan: Plan) -> tuple[np.ndarray, int]:
    """Bit of an image at each bit of tdata in each beat, int64 [beats, width]; and their number.

    The image's bits are those of its features, then those that carry nothing.
    """
    assert rtl.stream is not None
    features = rtl.stream.features
    beats = np.full((len(features), rtl.stream.tdata_width), -1, np.int64)
    offsets = np.cumsum([0, *(port.width for port in plan.ports)])
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
