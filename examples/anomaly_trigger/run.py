"""An anomaly trigger, from a teacher's training to proved RTL.

pip install 'lgnx[demo,yosys]'
python examples/anomaly_trigger/run.py     writes the folder anomaly_trigger/
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import events as ev
import numpy as np
import plots
import torch
import typer
from sklearn.metrics import roc_auc_score
from student import Student, train_student
from teacher import train_teacher
from trigger import CROSSINGS, Result, build, threshold

import lgnx

BACKGROUND = "zero bias"


@dataclass
class Clock:
    """Prints what was done with the seconds that it took."""

    last: float = field(default_factory=time.perf_counter)

    def tell(self, text: str) -> None:
        """Print a line."""
        now = time.perf_counter()
        print(f"{now - self.last:5.0f} s  {text}", flush=True)
        self.last = now


def main(
    events: Annotated[int, typer.Option(help="Images to train on.", min=1000)] = 40_000,
    test: Annotated[int, typer.Option(help="Zero-bias images to test with.", min=1000)] = 50_000,
    signal: Annotated[int, typer.Option(help="Images of each signal.", min=10)] = 5_000,
    teacher_steps: Annotated[int, typer.Option(help="Steps of the teacher.", min=1)] = 1_000,
    steps: Annotated[int, typer.Option(help="Steps of the student.", min=1)] = 400,
    kernels: Annotated[int, typer.Option(help="Trees at each place.", min=1)] = 12,
    gates: Annotated[int, typer.Option(help="Gates of the first layer.", min=8)] = 1_600,
    rate: Annotated[float, typer.Option(help="Background rate in kHz.", min=0.1)] = 40.0,
    clock: Annotated[float, typer.Option(help="Clock of the design in MHz.", min=1)] = 240.0,
    seed: Annotated[int, typer.Option(help="Of images, wiring and training.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("anomaly_trigger"),
) -> None:
    """Simulate, train, distil, export, optimise, write RTL, prove, co-simulate, compare."""
    torch.set_num_threads(1)  # the same sums on any machine
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    say = Clock()

    calm, odd = ev.zero_bias(events // 2, rng), ev.outliers(events // 2, rng)
    tuning = ev.zero_bias(test, rng)
    images = {BACKGROUND: ev.zero_bias(test, rng)}
    images |= {name: ev.signal(name, signal, rng) for name in ev.SIGNALS}
    total = 2 * (events // 2) + test + sum(map(len, images.values()))
    plots.plot_images({name: some[0] for name, some in images.items()}, out / "images.png")
    say.tell(f"{total:,} images of {ev.PHI} x {ev.ETA} regions: {out / 'images.png'}")

    teacher = train_teacher(calm, teacher_steps)
    taught = {name: teacher.scores(some) for name, some in images.items()}
    say.tell(f"teacher: an autoencoder, {teacher_steps:,} steps on zero bias")

    seen = np.concatenate([calm, odd])
    wanted = teacher.scores(seen)
    low, high = (float(v) for v in np.quantile(wanted, [0.001, 0.99]))
    parts = 1 - np.geomspace(0.5, 2e-4, 7)
    levels = np.unique(np.floor(np.quantile(calm, parts))) + 0.5
    student = Student(
        torch.tensor(levels, dtype=torch.float32), low, high, kernels, (gates, gates // 2)
    )
    train_student(student, seen, wanted, low, high, steps)
    before = {name: student.scores(some)[:, 0] for name, some in images.items()}
    say.tell(f"student: a logic gate network, {steps:,} steps on the teacher's scores")

    sample = torch.from_numpy(calm[:2, None]).float()
    names = {"lgnx.class_names": '["anomaly"]'}
    model = lgnx.export(student, sample, out / "student.onnx", metadata=names)
    smaller, (report,) = lgnx.optimize(model, synthesis=True)
    lgnx.save(smaller, out / "optimised.onnx")
    verdict = report.verdict.status if report.verdict else "not compared"
    say.tell(f"{report.nodes_before:,} gates, optimised {report.nodes_after:,}: {verdict}")

    limit = threshold(student.scores(tuning)[:, 0], rate * 1e3 / CROSSINGS)
    everything = np.concatenate(list(images.values()))[:, None].astype(np.float32)
    np.save(out / "images.npy", everything[-1000:])
    print(f"{'':9}trigger: anomaly >= {limit!r}")
    hardware = build(out / "optimised.onnx", out / "rtl", f"anomaly >= {limit!r}", everything)
    say.tell(f"RTL in {out / 'rtl'}: {hardware.proof.status}, {len(everything):,} images simulated")

    ends = np.cumsum([len(some) for some in images.values()])[:-1]
    after = dict(zip(images, np.split(hardware.scores, ends), strict=True))
    fired = dict(zip(images, np.split(hardware.fired, ends), strict=True))
    plots.plot_roc(taught, before, after, rate * 1e3 / CROSSINGS, out / "roc.png")
    plots.plot_scores(after, limit, out / "scores.png")
    say.tell(f"plots: {out / 'roc.png'}, {out / 'scores.png'}")
    _table(taught, before, after, fired)
    _compare(before, after, fired, limit)
    _cost(hardware, clock)


def _table(
    taught: plots.Samples, before: plots.Samples, after: plots.Samples, fired: plots.Samples
) -> None:
    print(f"\n{'signal':18}{'AUC: teacher':>14}{'torch':>10}{'RTL':>10}{'triggered':>14}")
    for name in ev.SIGNALS:
        areas = [
            roc_auc_score(
                np.repeat([0, 1], [len(scores[BACKGROUND]), len(scores[name])]),
                np.concatenate([scores[BACKGROUND], scores[name]]),
            )
            for scores in (taught, before, after)
        ]
        cells = f"{areas[0]:14.5f}{areas[1]:10.5f}{areas[2]:10.5f}"
        print(f"{name:18}{cells}{100 * fired[name].mean():12.1f} %")
    passed, of = int(fired[BACKGROUND].sum()), len(fired[BACKGROUND])
    khz = CROSSINGS / 1e3 / of
    print(
        f"{BACKGROUND}: {passed} of {of:,} triggered, "
        f"{passed * khz:.0f} +- {max(passed, 1) ** 0.5 * khz:.0f} kHz of 40 MHz"
    )


def _compare(
    before: plots.Samples, after: plots.Samples, fired: plots.Samples, limit: float
) -> None:
    a, b, f = (np.concatenate(list(some.values())) for some in (before, after, fired))
    # Bits, not values: nothing is rounded away.
    differ = int((a.view(np.uint32) != b.view(np.uint32)).sum())
    print(f"scores that differ between torch and RTL: {differ} of {len(a):,}")
    print(f"triggers that differ: {int(((a >= np.float32(limit)) != f).sum())} of {len(a):,}")


def _cost(hardware: Result, clock: float) -> None:
    print(f"\n{'estimate':22}{'LUTs':>8}{'registers':>11}{'carries':>9}{'levels':>8}")
    for part in (*hardware.estimate.parts, hardware.estimate.total):
        cells = f"{part.luts:8,}{part.registers:11,}{part.carries:9,}{part.levels:8}"
        print(f"{part.role:22}{cells}")
    print(f"{hardware.estimate.title}; {hardware.estimate.tool.split(' (')[0]}; not placed")
    latency = hardware.sidecar["latency"]
    print(
        f"latency {latency} clocks: {latency * 1e3 / clock:.1f} ns at {clock:g} MHz, "
        "a crossing every clock"
    )


if __name__ == "__main__":
    typer.run(main)
