"""The student's way into hardware: a threshold, RTL, its proof, simulation and cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import lgnx
from lgnx.converters.verilog import write_rtl
from lgnx.verify.cosim import CoSimulation
from lgnx.verify.estimate_rtl import Estimate, estimate_rtl
from lgnx.verify.rtl_proof import RtlProof, prove_rtl

__all__ = ["CROSSINGS", "FORMAT", "Result", "build", "threshold"]

CROSSINGS = 40e6  # a second
FORMAT = "ap_ufixed<10,10>"  # of a region, in steps of transverse energy


def threshold(scores: np.ndarray, rate: float) -> float:
    """The lowest score that at most this part of crossings without selection reaches.

    Raises
    ------
    ValueError
        If more crossings than that have the highest score.
    """
    found = np.unique(scores)
    parts = np.array([(scores >= score).mean() for score in found])
    if parts[-1] > rate:
        raise ValueError(f"the highest score alone comes at a rate of {parts[-1]:g}")
    return float(found[np.argmax(parts <= rate)])


@dataclass(frozen=True)
class Result:
    """What the hardware came to.

    Attributes
    ----------
    sidecar
        Of the RTL folder.
    proof
        That it computes what the model does.
    scores, fired
        float32 [n] and bool [n]: what it gave for the samples when it was simulated.
    estimate
        What it would cost.
    """

    sidecar: dict
    proof: RtlProof
    scores: np.ndarray
    fired: np.ndarray
    estimate: Estimate


def build(
    model: Path, folder: Path, condition: str, images: np.ndarray, pipeline: int = 3
) -> Result:
    """Write RTL of a model, prove it, simulate images [n, 1, PHI, ETA], and estimate its cost."""
    sidecar = write_rtl(
        lgnx.Network.from_model(model),
        folder,
        input_format=FORMAT,
        stages_every=pipeline,
        tree_every=2,
        handshake="valid",
        reset="sync",
        outputs="scores,trigger",
        trigger=condition,
        top="anomaly_trigger",
    )
    proof = prove_rtl(folder, model)
    proof.save(folder / "proof.json")
    simulation = CoSimulation(folder)
    seen = simulation.run(images)
    scores = simulation.rtl.scores.scores(seen.scores)[:, 0]
    return Result(sidecar, proof, scores, seen.trigger, estimate_rtl(folder, "xilinx"))
