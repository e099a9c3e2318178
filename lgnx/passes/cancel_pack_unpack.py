"""Cancel packing and unpacking that follow each other."""

from __future__ import annotations

import onnx_ir as ir

from lgnx.passes.cut_off import cut_off_words
from lgnx.passes.edit import Inserter, is_lgnx, is_op, remove_dead, replace, sample_shape
from lgnx.passes.word_moves import same_rows, word_move
from lgnx.passes.words import packed, shaped

__all__ = ["CancelPackUnpackPass"]


class CancelPackUnpackPass(ir.passes.InPlacePass):
    """Let layers hand words to each other.

    Rules:

    - ``PackBits(UnpackBits(w, batch))`` becomes ``w``, where all that is made of its words ends in
      UnpackBits or BitCount: these cut off the bits beyond the batch, which may be set in ``w``.
    - Between the two, Reshape, Flatten, Squeeze, Unsqueeze and Identity that keep the batch are
      nothing; Transpose, Concat, Gather, Slice, Split, Pad and Tile along other axes than the batch
      become the same on words, And, Or, Xor and Not the bitwise operators. Where only some of the
      bits that are joined come from words, the others are packed.
    - ``Shape(y)[0]`` of what was unpacked, and maybe moved, becomes the ``batch`` of UnpackBits.
    - PackBits of one value is done once.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """Run the pass."""
        graph, modified = model.graph, False
        cut_off = cut_off_words(graph)
        words = _Words(graph)
        for node in list(graph):
            if node.graph is None or not node.inputs or node.outputs[0].is_graph_output():
                continue
            new = None
            if is_lgnx(node, "PackBits"):
                new = words.of_pack(node, node.outputs[0] in cut_off)
            elif is_op(node, "Shape") and _is_batch(node):
                new = _batch(node.inputs[0])
            if new is not None:
                chain = _behind(node)
                replace(node.outputs[0], new)
                remove_dead(graph, chain)
                modified = True
        return ir.passes.PassResult(model, modified)


class _Words:
    """Words that stand for bits, made in front of the node that asks for them."""

    def __init__(self, graph: ir.Graph) -> None:
        self._graph = graph
        self._packed: dict[ir.Value, ir.Value] = {}
        self._found: dict[ir.Value, ir.Value | None] = {}

    def of_pack(self, node: ir.Node, cut_off: bool) -> ir.Value | None:
        """Words to read instead of those that PackBits gives."""
        source = node.inputs[0]
        assert source is not None
        words = self._find(source, node) if cut_off else None
        if words is None:
            words = self._packed.setdefault(_root(source), node.outputs[0])
        if words is node.outputs[0]:
            return None
        rows = sample_shape(source)
        return words if rows is None else shaped(self._insert(node, source), words, rows)

    def _find(self, bits: ir.Value, before: ir.Node) -> ir.Value | None:
        """Words of bits that come from words."""
        if bits not in self._found:
            self._found[bits] = self._make(bits, before)
        return self._found[bits]

    def _make(self, bits: ir.Value, before: ir.Node) -> ir.Value | None:
        node = bits.producer()
        if is_lgnx(node, "UnpackBits"):
            assert node is not None
            return node.inputs[0]
        same = same_rows(bits)
        if same is not None:
            return self._find(same, before)
        move = word_move(bits)
        if move is None:
            return None
        found = [self._find(part, before) for part in move.bits]
        if all(words is None for words in found):
            return None
        words = [
            self._pack(part, before) if known is None else known
            for part, known in zip(move.bits, found, strict=True)
        ]
        return move.emit(self._insert(before, bits), words, sample_shape(bits) or ())

    def _pack(self, bits: ir.Value, before: ir.Node) -> ir.Value:
        root = _root(bits)
        if root not in self._packed:
            self._packed[root] = packed(self._insert(before, bits), bits)
        return self._packed[root]

    def _insert(self, before: ir.Node, bits: ir.Value) -> Inserter:
        node = bits.producer()
        name = bits.name if node is None else node.name or node.op_type.lower()
        return Inserter(self._graph, before, name or "bits", origin=node)


def _root(bits: ir.Value) -> ir.Value:
    """Bits of the same words, as early as they are."""
    same = same_rows(bits)
    return bits if same is None else _root(same)


def _batch(bits: ir.Value | None) -> ir.Value | None:
    """Give the batch of the words that bits come from."""
    node = None if bits is None else bits.producer()
    if bits is None or node is None:
        return None
    if is_lgnx(node, "UnpackBits"):
        return node.inputs[1]
    same = same_rows(bits)
    if same is not None:
        return _batch(same)
    move = word_move(bits)
    return next((b for b in map(_batch, move.bits) if b is not None), None) if move else None


def _behind(node: ir.Node) -> list[ir.Node]:
    """Give the nodes from UnpackBits to this one, sources first."""
    found: dict[ir.Node, None] = {}

    def visit(bits: ir.Value) -> None:
        producer = bits.producer()
        if producer is None or producer in found:
            return
        same, move = same_rows(bits), word_move(bits)
        for source in [same] if same is not None else move.bits if move else []:
            visit(source)
        if same is not None or move or is_lgnx(producer, "UnpackBits"):
            found[producer] = None

    if node.inputs[0] is not None:
        visit(node.inputs[0])
    return [*found, node]


def _is_batch(node: ir.Node) -> bool:
    return node.attributes.get_int("start", 0) == 0 and node.attributes.get_int("end", -1) == 1
