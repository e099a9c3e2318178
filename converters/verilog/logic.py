"""What the logic modules of a design hold: gates or look-up tables, cut into stages."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lgnx.converters.verilog.balance import balanced_stages
from lgnx.converters.verilog.encoder import Encoder, input_literals
from lgnx.converters.verilog.packed import packed_stages
from lgnx.converters.verilog.stages import Stage, cut, partition, stages_by_level
from lgnx.netlist.luts import LutNetlist
from lgnx.network import Network
from lgnx.ops.errors import InputError
from lgnx.optimize.counting import Counted, binary_digits, count_groups
from lgnx.optimize.cut_mapping import map_to_luts

__all__ = ["COMBINATIONAL_LEVELS", "Cutting", "Logic", "plan_logic"]

COMBINATIONAL_LEVELS = 4  # levels of a module where no registers decide
_ONE_MODULE = 4096  # gates of a compact design that are one module then: each has text of its own


@dataclass(frozen=True)
class Cutting:
    """How logic is cut into stages.

    Attributes
    ----------
    every
        Levels of a stage; None in a combinational design.
    lut_levels, lut_inputs
        At most so many levels of look-up tables of so many inputs; None for levels of what the
        model has.
    compact
        Whether gates are written as numbers in rows of text, not as a line each.
    """

    every: int | None
    lut_levels: int | None = None
    lut_inputs: int = 6
    compact: bool = False

    def __post_init__(self) -> None:
        if self.lut_levels is None:
            return
        if self.every is not None:
            raise InputError("stages are cut every so many levels, or by LUT levels, not both")
        if self.lut_levels < 1:
            raise InputError(f"LUT levels of a stage: {self.lut_levels}, must be at least 1")
        if not 4 <= self.lut_inputs <= 6:
            raise InputError(f"inputs of a look-up table: {self.lut_inputs}, must be 4 to 6")

    @property
    def pipelined(self) -> bool:
        """Whether there are registers."""
        return self.every is not None or self.lut_levels is not None


@dataclass(frozen=True)
class Logic:
    """The logic of a design.

    Attributes
    ----------
    encoder
        The comparators that are read, and the netlist over them that is cut.
    stage_of_node
        int64 [n_nodes].
    registered
        For each stage whether registers stand behind it, where the design has some. None for all:
        only stages of look-up tables, which hold one level of them each, follow without.
    digits
        Whether the outputs of the netlist are digits of the counts rather than bits to count.
    counted
        The counts, where they were made of tables here.
    luts, roots
        The tables, and the literals of their outputs in the netlist, uint32 [n_luts]; None where
        there are none.
    lut_depths
        Levels of tables from the registers before it to the end of each stage.
    """

    encoder: Encoder
    stage_of_node: np.ndarray
    registered: list[bool] | None = None
    digits: bool = False
    counted: Counted | None = None
    luts: LutNetlist | None = None
    roots: np.ndarray | None = None
    lut_depths: list[int] | None = None

    def stages(self, compact: bool) -> list[Stage]:
        """Give what each module holds; nothing where no input bit is read."""
        netlist = self.encoder.netlist
        if not self.encoder.bits:
            return []
        if compact:
            parts = partition(netlist, self.stage_of_node)
            return packed_stages(netlist, parts, self.luts, self.roots)
        return cut(netlist, self.stage_of_node, self.luts is not None)


def plan_logic(network: Network, encoder: Encoder, cutting: Cutting) -> Logic:
    """Decide what the logic modules hold; the same for the same arguments.

    A model of look-up tables keeps them. Another one is mapped to tables where stages are to have
    so many levels of them; its counts then are tables as well.

    Raises
    ------
    InputError
        If the model has wider tables than the design may have.
    """
    levels = COMBINATIONAL_LEVELS
    if cutting.compact and encoder.netlist.n_nodes <= _ONE_MODULE:
        levels = max(1, encoder.netlist.depth)
    plain = Logic(encoder, stages_by_level(encoder.netlist, cutting.every or levels))
    order = encoder.order
    if network.luts is not None and encoder.bits:
        luts = network.luts.simplified(input_literals(network, encoder), len(encoder.bits))
        order = np.arange(network.netlist.n_outputs)
        if cutting.lut_levels and luts.widest > cutting.lut_inputs:
            raise InputError(
                f"node {network.name!r}: has tables of {luts.widest} inputs, the design is to have "
                f"tables of {cutting.lut_inputs}: lgnx optimize --for fpga -K {cutting.lut_inputs}"
            )
    elif cutting.lut_levels and encoder.bits:
        luts = map_to_luts(encoder.netlist, cutting.lut_inputs)
    else:
        return plain
    digits, counted = None, None
    if network.groups and network.group_size > 1:
        digits = binary_digits(luts.outputs, network.groups)
        if digits is not None:
            luts = LutNetlist(luts.n_inputs, luts.tables, luts.fanins, digits.ravel())
        elif cutting.lut_levels:
            counted = count_groups(luts, network.groups, cutting.lut_inputs)
            luts = counted.luts
    read = sorted({w for f in luts.fanins for w in f} | set((luts.outputs >> 1).tolist()))
    live = [wire for wire in read if 0 < wire < luts.first_lut]
    if not live:  # constants, which need no module
        return plain
    places = {wire: 2 * (1 + i) for i, wire in enumerate(live)}
    inputs = [places.get(1 + i, 0) for i in range(luts.n_inputs)]
    luts = luts.simplified(inputs, len(live))
    if cutting.lut_levels:
        between = balanced_stages(luts, cutting.lut_levels)
    else:
        between = (luts.levels() - 1) // (cutting.every or max(1, luts.depth))
    stages, registered, depths = _single_levels(luts, between)
    netlist, stage_of_node, roots = luts.to_netlist(stages)
    return Logic(
        encoder=replace(
            encoder, bits=[encoder.bits[w - 1] for w in live], netlist=netlist, order=order
        ),
        stage_of_node=stage_of_node,
        registered=registered,
        digits=digits is not None or counted is not None,
        counted=counted,
        luts=luts,
        roots=roots,
        lut_depths=depths,
    )


def _single_levels(
    luts: LutNetlist, between: np.ndarray
) -> tuple[np.ndarray, list[bool], list[int]]:
    """Make a stage of each level of tables between two registers.

    Alone in a module, tables stay what they are in synthesis; among tables that read them they are
    mapped anew, to the least depth and more tables.

    Parameters
    ----------
    between
        int64 [n_luts]: the ranks of registers before each table.

    Returns
    -------
    tuple
        Stage of each table, int64 [n_luts]; for each stage whether registers follow, and its level
        among those since the last.
    """
    level = [0] * (luts.first_lut + luts.n_luts)
    rank = [-1] * luts.first_lut + between.tolist()
    for i, fanin in enumerate(luts.fanins):
        wire = luts.first_lut + i
        level[wire] = 1 + max((level[w] for w in fanin if rank[w] == rank[wire]), default=0)
    places = np.column_stack([between, level[luts.first_lut :]])
    each, stages = np.unique(places, axis=0, return_inverse=True)
    depths = each[:, 1].tolist()
    return stages.ravel(), [after == 1 for after in [*depths[1:], 1]], depths
