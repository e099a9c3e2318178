"""Calorimeter images of simulated bunch crossings, and of signals among them.

An image holds 18 x 14 regions in azimuth and pseudorapidity, each the transverse energy in steps
of 0.5 GeV as an integer of ten bits, which is the form in which the first layer of a calorimeter
trigger hands it on. Nothing here is tuned to data of an experiment: the ingredients are the known
ones (pile-up, soft particles, dijets of a steeply falling spectrum, decays in their rest frames),
the numbers are round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PHI, ETA = 18, 14
ETA_MAX = 3.0
STEP = 0.5  # GeV
HIGHEST = 1023  # of ten bits
NOISE_CUT = 1.0  # GeV in a region, below which it reads as 0

PILE_UP = 50.0  # collisions in a crossing, in the mean
SOFT = 0.1  # soft particles that one collision sends into one region, in the mean
SOFT_ET = 0.5  # GeV, their mean transverse energy
DIJETS = 0.03  # part of the collisions with two jets above DIJET_ET
DIJET_ET, DIJET_POWER = 10.0, 4.5  # GeV, and the power with which the rest is falling
RESPONSE = 0.7  # part of a jet's energy that is measured, in the mean
W_MASS, TOP_MASS, HIGGS_MASS, B_MASS = 80.4, 172.5, 125.0, 4.7  # GeV

Random = np.random.Generator


@dataclass
class Showers:
    """What hits the calorimeter: one entry a particle or a jet.

    Attributes
    ----------
    event
        Number of its event.
    et, eta, phi
        Transverse energy in GeV, and direction.
    """

    event: np.ndarray
    et: np.ndarray
    eta: np.ndarray
    phi: np.ndarray

    @classmethod
    def of(cls, event: np.ndarray, momenta: np.ndarray) -> Showers:
        """From four-momenta [n, 4]: energy, px, py, pz."""
        et = np.hypot(momenta[:, 1], momenta[:, 2])
        eta = np.arcsinh(momenta[:, 3] / np.maximum(et, 1e-9))
        return cls(event, et, eta, np.arctan2(momenta[:, 2], momenta[:, 1]))


def digitise(energy: np.ndarray) -> np.ndarray:
    """Integers of ten bits from energies in GeV."""
    kept = np.where(energy < NOISE_CUT, 0.0, energy)
    return np.minimum(kept / STEP, HIGHEST).astype(np.int64)


def pile_up(events: int, rng: Random) -> np.ndarray:
    """Energies [events, PHI, ETA] of crossings in which nothing was selected ("zero bias")."""
    collisions = rng.poisson(PILE_UP, events)
    # Regions at larger pseudorapidity see somewhat more.
    profile = 1.0 + 0.4 * (np.abs(np.arange(ETA) - (ETA - 1) / 2) / (ETA / 2)) ** 2
    particles = rng.poisson(SOFT * collisions[:, None, None] * profile, (events, PHI, ETA))
    energy = rng.gamma(np.maximum(particles, 1e-9), SOFT_ET)
    dijets = rng.poisson(DIJETS * collisions)
    event = np.repeat(np.arange(events), dijets)
    et = DIJET_ET * rng.uniform(size=len(event)) ** (-1 / (DIJET_POWER - 1))
    phi = rng.uniform(-np.pi, np.pi, len(event))
    eta = rng.normal(0, 1.6, (2, len(event)))
    pair = Showers(
        np.tile(event, 2),
        np.tile(np.minimum(et, 800.0), 2),
        eta.ravel(),
        np.concatenate([phi, phi + np.pi + rng.normal(0, 0.2, len(event))]),
    )
    return energy + jets(pair, events, rng)


def jets(showers: Showers, events: int, rng: Random, width: float = 0.15) -> np.ndarray:
    """Energies of jets: each breaks up into particles around its axis, and each is measured."""
    particles = 4 + rng.poisson(np.sqrt(showers.et))
    jet = np.repeat(np.arange(len(particles)), particles)
    share = rng.exponential(size=len(jet))
    share /= np.bincount(jet, share, len(particles))[jet]
    return deposits(
        Showers(
            showers.event[jet],
            RESPONSE * showers.et[jet] * share,
            showers.eta[jet] + rng.normal(0, width, len(jet)),
            showers.phi[jet] + rng.normal(0, width, len(jet)),
        ),
        events,
        rng,
    )


def deposits(showers: Showers, events: int, rng: Random) -> np.ndarray:
    """Energies [events, PHI, ETA] of single particles, with a resolution of 80 % / sqrt(E)."""
    et = showers.et + 0.8 * np.sqrt(showers.et) * rng.normal(size=len(showers.et))
    seen = (np.abs(showers.eta) < ETA_MAX) & (et > 0)
    row = np.floor(showers.phi[seen] / (2 * np.pi) * PHI).astype(np.int64) % PHI
    column = np.floor((showers.eta[seen] / ETA_MAX + 1) / 2 * ETA).astype(np.int64)
    place = (showers.event[seen] * PHI + row) * ETA + column
    energy = np.bincount(place, et[seen], events * PHI * ETA)
    return energy.reshape(events, PHI, ETA)


# Kinematics ------------------------------------------------------------------------------------


def directions(n: int, rng: Random) -> np.ndarray:
    """Unit vectors [n, 3], uniform over the sphere."""
    vectors = rng.normal(size=(n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def moving(mass: np.ndarray, pt: np.ndarray, rng: Random, spread: float = 1.0) -> np.ndarray:
    """Four-momenta [n, 4] of particles with these transverse momenta, rapidities normal."""
    phi, rapidity = rng.uniform(-np.pi, np.pi, len(mass)), rng.normal(0, spread, len(mass))
    transverse = np.hypot(mass, pt)
    return np.stack(
        [
            transverse * np.cosh(rapidity),
            pt * np.cos(phi),
            pt * np.sin(phi),
            transverse * np.sinh(rapidity),
        ],
        axis=1,
    )


def boost(momenta: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Take momenta [n, 4] from the rest frame of others [n, 4] to where these move."""
    mass = np.sqrt(np.maximum(frame[:, 0] ** 2 - (frame[:, 1:] ** 2).sum(1), 1e-12))
    along = (momenta[:, 1:] * frame[:, 1:]).sum(1)
    energy = (frame[:, 0] * momenta[:, 0] + along) / mass
    factor = (momenta[:, 0] + energy) / (frame[:, 0] + mass)
    return np.column_stack([energy, momenta[:, 1:] + factor[:, None] * frame[:, 1:]])


def decay(
    parent: np.ndarray, first: np.ndarray | float, second: np.ndarray | float, rng: Random
) -> tuple[np.ndarray, np.ndarray]:
    """Decay particles [n, 4] to two of these masses, isotropic in their rest frames."""
    mass = np.sqrt(np.maximum(parent[:, 0] ** 2 - (parent[:, 1:] ** 2).sum(1), 0))
    inside = (mass**2 - (first + second) ** 2) * (mass**2 - (first - second) ** 2)
    momentum = np.sqrt(np.maximum(inside, 0)) / (2 * mass)
    vectors = momentum[:, None] * directions(len(parent), rng)
    one, two = (np.sqrt(m**2 + momentum**2) for m in (first, second))
    return (
        boost(np.column_stack([one, vectors]), parent),
        boost(np.column_stack([two, -vectors]), parent),
    )


# Signals: energies [events, PHI, ETA] without the pile-up ----------------------------------------


def top_pairs(events: int, rng: Random) -> np.ndarray:
    """Two top quarks that decay to six jets."""
    mass = 2 * TOP_MASS + 5 + rng.exponential(120, events)
    tops = decay(moving(mass, rng.exponential(30, events), rng, 0.8), TOP_MASS, TOP_MASS, rng)
    found = []
    for top in tops:
        bottom, w = decay(top, B_MASS, W_MASS, rng)
        found += [bottom, *decay(w, 1.0, 1.0, rng)]
    return _jets_of(found, events, rng)


def higgs_to_4b(events: int, rng: Random) -> np.ndarray:
    """A Higgs boson that decays through two light scalars to four b quarks."""
    higgs = moving(np.full(events, HIGGS_MASS), rng.exponential(45, events), rng)
    scalars = decay(higgs, *(rng.uniform(20, 60, (2, events))), rng)
    return _jets_of([b for s in scalars for b in decay(s, B_MASS, B_MASS, rng)], events, rng)


def many_jets(events: int, rng: Random) -> np.ndarray:
    """Two heavy particles that decay to three jets each through one of half their mass."""
    mass = np.full(events, 160.0)
    pair = moving(2 * mass + 10 + rng.exponential(100, events), rng.exponential(40, events), rng)
    found = []
    for heavy in decay(pair, mass, mass, rng):
        jet, lighter = decay(heavy, 1.0, mass * rng.uniform(0.4, 0.8, events), rng)
        found += [jet, *decay(lighter, 1.0, 1.0, rng)]
    return _jets_of(found, events, rng)


def soft_unclustered(events: int, rng: Random) -> np.ndarray:
    """A scalar of 300 GeV that decays to many soft particles, uniform in its rest frame."""
    mass, temperature = 300.0, 2.0
    scalar = moving(np.full(events, mass), rng.exponential(60, events), rng, 0.7)
    event = np.repeat(np.arange(events), rng.poisson(mass / (3 * temperature), events))
    energy = rng.gamma(3.0, temperature, len(event))
    momenta = np.column_stack([energy, energy[:, None] * directions(len(event), rng)])
    return deposits(Showers.of(event, boost(momenta, scalar[event])), events, rng)


SIGNALS: dict[str, Callable[[int, Random], np.ndarray]] = {
    "tt": top_pairs,
    "h -> 4b": higgs_to_4b,
    "many jets": many_jets,
    "soft unclustered": soft_unclustered,
}


def _jets_of(momenta: list[np.ndarray], events: int, rng: Random) -> np.ndarray:
    event = np.tile(np.arange(events), len(momenta))
    return jets(Showers.of(event, np.concatenate(momenta)), events, rng)


# Samples ---------------------------------------------------------------------------------------


def zero_bias(events: int, rng: Random) -> np.ndarray:
    """Images int64 [events, PHI, ETA] of crossings as they come."""
    return digitise(pile_up(events, rng))


def signal(name: str, events: int, rng: Random) -> np.ndarray:
    """Images of a signal, each with the pile-up of its crossing."""
    return digitise(pile_up(events, rng) + SIGNALS[name](events, rng))


def outliers(events: int, rng: Random) -> np.ndarray:
    """Images with jets and soft particles strewn at random, of no physical model.

    The student sees how the teacher scores them, so that it learns more of the scale than zero
    bias alone shows.
    """
    n_jets, n_soft = rng.poisson(rng.uniform(0, 6, events)), rng.poisson(rng.uniform(0, 80, events))
    n_soft[rng.uniform(size=events) < 0.5] = 0
    event = np.repeat(np.arange(events), n_jets)
    hard = Showers(event, 8 * np.exp(rng.exponential(0.9, len(event))), *_anywhere(len(event), rng))
    event = np.repeat(np.arange(events), n_soft)
    soft = Showers(event, rng.exponential(3.0, len(event)), *_anywhere(len(event), rng))
    energy = pile_up(events, rng) + jets(hard, events, rng) + deposits(soft, events, rng)
    return digitise(energy)


def _anywhere(n: int, rng: Random) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(-ETA_MAX, ETA_MAX, n), rng.uniform(-np.pi, np.pi, n)
