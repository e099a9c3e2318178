"""What surrounds the logic of a design: clock, handshake, reset, outputs, language."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lgnx.metadata import CLASS_NAMES, names_of
from lgnx.network import Network
from lgnx.ops.errors import InputError

__all__ = [
    "HANDSHAKES",
    "LANGUAGES",
    "RESETS",
    "Interface",
    "Trigger",
    "parse_outputs",
    "parse_trigger",
]

HANDSHAKES = ("none", "valid", "axi-stream")
RESETS = ("none", "sync", "async", "sync-low", "async-low")
LANGUAGES = ("verilog", "systemverilog")
OUTPUTS = ("scores", "class", "trigger")
_TRIGGER = re.compile(r"\s*(.+?)\s*(>=|>)\s*([-+0-9.eE]+|inf)\s*")


@dataclass(frozen=True)
class Interface:
    """The choices.

    Attributes
    ----------
    handshake
        ``"none"``: a result leaves a fixed number of clocks after its sample. ``"valid"``:
        ``in_valid`` and ``out_valid`` besides. ``"axi-stream"``: AXI4-Stream on both sides, which
        may stall it.
    reset
        Of the registers that hold valid bits; data has none. ``"none"``, ``"sync"`` or
        ``"async"`` (active high, port ``rst``), ``"sync-low"`` or ``"async-low"`` (``rst_n``).
    language
        ``"verilog"``: Verilog-2001, which SystemVerilog tools take as well; ``"systemverilog"``.
    """

    handshake: str = "valid"
    reset: str = "none"
    language: str = "verilog"

    def __post_init__(self) -> None:
        for field, allowed in (
            ("handshake", HANDSHAKES),
            ("reset", RESETS),
            ("language", LANGUAGES),
        ):
            given = getattr(self, field)
            if given not in allowed:
                raise InputError(f"{field} is {given!r}, must be one of {', '.join(allowed)}")

    @property
    def suffix(self) -> str:
        """Suffix of the files."""
        return ".v" if self.language == "verilog" else ".sv"

    @property
    def reset_name(self) -> str | None:
        """Name of the reset's port, if there is one."""
        if self.reset == "none":
            return None
        return "rst_n" if self.reset.endswith("-low") else "rst"

    def words(self) -> dict[str, str]:
        """What the templates write: declarations, processes and resets of the language."""
        old = self.language == "verilog"
        edge = "posedge clk"
        name = self.reset_name
        active = f"!{name}" if name == "rst_n" else name or ""
        valid_edge = edge
        if self.reset.startswith("async"):
            valid_edge += f" or {'negedge' if name == 'rst_n' else 'posedge'} {name}"
        process = "always" if old else "always_ff"
        return {
            "reg": "reg" if old else "logic",
            "comb": "always @*" if old else "always_comb",
            "ff": f"{process} @({edge})",
            "ff_reset": f"{process} @({valid_edge})",
            "reset": name or "",
            "in_reset": active,
        }


@dataclass(frozen=True)
class Trigger:
    """An output that says whether a count is large enough.

    Attributes
    ----------
    group
        Whose count.
    at_least
        The smallest count that triggers; group_size + 1 if none does.
    text
        As the user gave it.
    """

    group: int
    at_least: int
    text: str


def parse_trigger(text: str, network: Network) -> Trigger:
    """Read ``GROUP >= SCORE`` or ``GROUP > SCORE``; the group is a number or the class's name.

    The score is in the units of the model. It becomes the smallest count whose score, as the model
    rounds it, satisfies the comparison.

    Raises
    ------
    InputError
        If it is not of this form, or there is no such group.
    """
    if not network.groups:
        raise InputError(f"trigger {text!r}: the model has no scores")
    match = _TRIGGER.fullmatch(text)
    try:
        limit = float(match[3]) if match else None
    except ValueError:
        limit = None
    if match is None or limit is None:
        raise InputError(f"trigger {text!r}: must be GROUP >= SCORE or GROUP > SCORE")
    group = _group(match[1], network, text)
    scores = network.scale(np.arange(network.group_size + 1)).astype(np.float64)
    enough = scores > limit if match[2] == ">" else scores >= limit
    return Trigger(group, int(np.flatnonzero(~enough).max(initial=-1)) + 1, text)


def _group(name: str, network: Network, text: str) -> int:
    value = network.metadata.get(CLASS_NAMES)
    names = () if value is None else names_of(CLASS_NAMES, value, network.groups)
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < network.groups:
        return int(name)
    known = f", or one of {', '.join(names)}" if names else ""
    raise InputError(
        f"trigger {text!r}: there is no group {name!r}; must be 0 to {network.groups - 1}{known}"
    )


def parse_outputs(outputs: str | None, trigger: str | None, network: Network) -> tuple[str, ...]:
    """Give which outputs a design has: some of ``scores``, ``class``, ``trigger``, or ``bits``.

    Raises
    ------
    InputError
        If the model does not have what is asked for.
    """
    if not network.groups:
        if outputs:
            raise InputError(f"outputs {outputs!r}: the model gives bits, not scores")
        return ("bits",)
    if not outputs:
        chosen = ["scores"]
        chosen += ["class"] if network.groups > 1 else []
        chosen += ["trigger"] if trigger else []
        return tuple(chosen)
    chosen = [part.strip() for part in outputs.split(",")]
    for part in chosen:
        if part not in OUTPUTS:
            raise InputError(f"outputs {outputs!r}: {part!r} must be one of {', '.join(OUTPUTS)}")
    if len(set(chosen)) != len(chosen):
        raise InputError(f"outputs {outputs!r}: an output is given twice")
    if "class" in chosen and network.groups == 1:
        raise InputError(f"outputs {outputs!r}: the model has one score, so there is no class")
    if ("trigger" in chosen) != bool(trigger):
        missing = "outputs do not name it" if trigger else "no trigger is given"
        raise InputError(f"outputs {outputs!r}, trigger {trigger!r}: {missing}")
    return tuple(part for part in OUTPUTS if part in chosen)
