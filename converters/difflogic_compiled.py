"""The C source that difflogic's CompiledLogicNet makes of a network, read back as layers.

The source has one statement for each gate, ``v7 = ~(v1 & v3);`` with the layers one after another
and ``out[4] = ...;`` for the last, then a function that packs samples into words, calls the gates
and counts the ones of each class. All of it is compared with what `CompiledLogicNet.get_c_code`
writes, so that what is read is what the source computes.

The source does not say where a layer begins. A gate belongs to the layer after that of the gates it
reads. Gates that are constant read nothing, so those that read them are simplified first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import onnx

from lgnx.converters.difflogic_model import Counted, Gates, network_model
from lgnx.converters.formats import Format
from lgnx.metadata import SOURCE_FORMAT, TRAINING_TOOL
from lgnx.ops.errors import ModelError

__all__ = ["FORMAT", "parse"]

_WORDS = {"char": 8, "short": 16, "int": 32, "long long": 64}
_ZEROS = {"char": "(char) 0", "short": "(short) 0", "int": "0", "long long": "0LL"}
_ONES = {"char": "(char) 1", "short": "(short) 1", "int": "1", "long long": "1LL"}
_BINARIES = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")  # Linux, macOS, Windows

_HEAD = re.compile(r"void logic_gate_net ?\((char|short|int|long long) const \*inp, \1 \*out\) \{")
_TAIL = """\
void apply_logic_gate_net (bool const *inp, int *out, size_t len) {
<word> *inp_temp = malloc(<inputs>*sizeof(<word>));
<word> *out_temp = malloc(<neurons>*sizeof(<word>));
<word> *out_temp_o = malloc(<places>*sizeof(<word>));
for(size_t i = 0; i < len; ++i) {
for(size_t d = 0; d < <inputs>; ++d) {
<word> res = <zero>;
for(size_t b = 0; b < <bits>; ++b) {
res <<= 1;
res += !!(inp[i * <inputs> * <bits> + (<bits> - b - 1) * <inputs> + d]);
}
inp_temp[d] = res;
}
logic_gate_net(inp_temp, out_temp);
for(size_t c = 0; c < <classes>; ++c) {
for(size_t d = 0; d < <places>; ++d) {
out_temp_o[d] = <zero>;
}
for(size_t a = 0; a < <size>; ++a) {
<word> carry = out_temp[c * <size> + a];
<word> out_temp_o_d;
for(int d = <places> - 1; d >= 0; --d) {
out_temp_o_d = out_temp_o[d];
out_temp_o[d] = carry ^ out_temp_o_d;
carry = carry & out_temp_o_d;
}
}
for(size_t b = 0; b < <bits>; ++b) {
const <word> bit_mask = <one> << b;
int res = 0;
for(size_t d = 0; d < <places>; ++d) {
res <<= 1;
res += !!(out_temp_o[d] & bit_mask);
}
out[(i * <bits> + b) * <classes> + c] = res;
}
}
}
free(inp_temp);
free(out_temp);
free(out_temp_o);
}
"""

_BUFFER, _CONSTANT = 0xA, (0x0, 0xF)


def _tables() -> dict[tuple[bool, bool, str, bool], int]:
    """Table of each expression, by the complement of all, of A, the operator, and that of B."""
    found = {}
    for whole, not_a, sign, not_b in product((False, True), (False, True), "&|^", (False, True)):
        bits = 0
        for address in range(4):
            a, b = bool(address & 1) != not_a, bool(address >> 1) != not_b
            y = {"&": a and b, "|": a or b, "^": a != b}[sign]
            bits |= (y != whole) << address
        found[whole, not_a, sign, not_b] = bits
    return found


_TABLES = _tables()


def _one_input(low: int, high: int) -> int:
    """Table of what gives bit 0 of ``low`` where its inputs are 0, of ``high`` where they are 1."""
    return 0x5 * (low & 1) | _BUFFER * (high & 1)


def read(path: Path) -> onnx.ModelProto:
    """Read a source of difflogic's CompiledLogicNet.

    Returns
    -------
    onnx.ModelProto
        One LogicDense for each layer, and the counts as int32, which is what the compiled network
        gives.

    Raises
    ------
    ModelError
        If the file is a compiled library, or anything but such a source; the line is named.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    if data.startswith(_BINARIES):
        source = path.with_suffix(".c")
        raise ModelError(
            f"{path}: is a compiled library, which holds machine code and no gates; convert the C "
            "source that it was made from, CompiledLogicNet(model).get_c_code()"
            + (f": {source} lies beside it" if source.is_file() else "")
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: is no text: byte {error.start} is not UTF-8") from None
    return parse(text, str(path), path.stem)


def parse(text: str, where: str, name: str = "network") -> onnx.ModelProto:
    """Turn the text of a source into a model, see `read`."""
    lines = _lines(text)
    number, line = next(lines, (1, ""))
    while line.startswith("#include <"):
        number, line = next(lines, (number, ""))
    head = _HEAD.fullmatch(line)
    if head is None:
        raise ModelError(
            f"{where}: line {number}: {_shown(line)}, must be the head of difflogic's function "
            "logic_gate_net"
        )
    try:
        gates = _Gates(head[1])
        for number, line in lines:
            if line == "}":
                break
            gates.add(number, line)
        else:
            raise ModelError(f"line {number}: the file ends within the function logic_gate_net")
        sizes = _sizes(head[1], lines, number)
        layers, counted = gates.layers(sizes)
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from None
    facts = {TRAINING_TOOL: "difflogic", SOURCE_FORMAT: FORMAT.name}
    return network_model(layers, counted, [sizes["inputs"]], name=name, metadata=facts)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbers and words of the lines that are not empty, without comments."""
    for number, line in enumerate(text.split("\n"), start=1):
        words = " ".join(line.partition("//")[0].split())
        if words:
            yield number, words


def _shown(line: str) -> str:
    return repr(line if len(line) <= 60 else f"{line[:57]}...") if line else "nothing"


class _Gates:
    """The statements of the function logic_gate_net, one after another."""

    def __init__(self, word: str) -> None:
        variable = r"(?:inp\[\d{1,9}\]|v\d{1,9})"
        zero = re.escape(_ZEROS[word])
        expression = (
            rf"(?P<high>~)?(?P<zero>{zero})|"
            rf"~\((?P<a>{variable}) (?P<sign>[&|^]) (?P<b>{variable})\)|"
            rf"(?P<not_a>~)?(?P<c>{variable})(?: (?P<sign_c>[&|^]) (?P<not_d>~)?(?P<d>{variable}))?"
        )
        if _WORDS[word] < 32:
            expression = rf"\({word}\) \((?:{expression})\)"
        self.statement = re.compile(
            rf"(?:const {word} v(?P<v>\d{{1,9}})|out\[(?P<out>\d{{1,9}})\]) = (?:{expression});"
        )
        self.values: list[int | None] = []  # of the gates that are constant
        self.levels: list[int] = []
        self.places: list[int] = []  # in the layer
        self.rows: list[list[tuple[int, int, int]]] = [[]]  # inputs and table, by layer
        self.outputs: list[tuple[int, int, int]] = []
        self.output_level = 0
        self.inputs = (0, 0)  # how many there must be, and the line that says so

    def add(self, number: int, line: str) -> None:
        """Take a statement."""
        found = self.statement.fullmatch(line)
        if found is None:
            raise ModelError(f"line {number}: {_shown(line)} is no gate as difflogic writes them")
        is_output = found["out"] is not None
        given = int(found["out"] if is_output else found["v"])
        expected = len(self.outputs if is_output else self.levels)
        if given != expected:
            form = "out[{}]" if is_output else "v{}"
            raise ModelError(
                f"line {number}: {form.format(given)}, must be {form.format(expected)}"
            )
        if self.outputs and not is_output:
            raise ModelError(f"line {number}: v{given} after out[0]")
        self._put(number, is_output, *self._gate(number, found))

    def _gate(self, number: int, found: re.Match[str]) -> tuple[int, list[tuple[bool, int]]]:
        """Table and operands of a gate; constants among the operands are gone."""
        if found["zero"]:
            return _CONSTANT[bool(found["high"])], []
        if found["a"]:
            names, table = (found["a"], found["b"]), _TABLES[True, False, found["sign"], False]
        elif found["d"]:
            names = found["c"], found["d"]
            complements = bool(found["not_a"]), bool(found["not_d"])
            table = _TABLES[False, complements[0], found["sign_c"], complements[1]]
        else:
            names = found["c"], found["c"]
            table = _BUFFER ^ (0xF if found["not_a"] else 0)
        operands = [self._operand(number, name) for name in names]
        known = [None if is_input else self.values[index] for is_input, index in operands]
        x0, x1 = known
        if x0 is not None and x1 is not None:
            table = _CONSTANT[table >> (x0 + 2 * x1) & 1]
        elif x0 is not None:
            table, operands = _one_input(table >> x0, table >> (2 + x0)), [operands[1]] * 2
        elif x1 is not None:
            table, operands = _one_input(table >> 2 * x1, table >> (2 * x1 + 1)), [operands[0]] * 2
        return (table, []) if table in _CONSTANT else (table, operands)

    def _operand(self, number: int, name: str) -> tuple[bool, int]:
        is_input = name[0] == "i"
        index = int(name[4:-1] if is_input else name[1:])
        if is_input:
            if index >= self.inputs[0]:
                self.inputs = index + 1, number
        elif index >= len(self.levels):
            reason = (
                ": for a network of one layer, difflogic writes C that does not compile"
                if not self.levels
                else ""
            )
            raise ModelError(f"line {number}: reads {name}, which is not defined before{reason}")
        return is_input, index

    def _put(
        self, number: int, is_output: bool, table: int, operands: list[tuple[bool, int]]
    ) -> None:
        """Put a gate into its layer."""
        levels = {0 if is_input else self.levels[index] for is_input, index in operands}
        if len(levels) > 1:
            raise ModelError(
                f"line {number}: reads values of layers {min(levels)} and {max(levels)}; gates of "
                "difflogic read the layer before theirs"
            )
        places = [index if is_input else self.places[index] for is_input, index in operands]
        row = (places[0], places[1], table) if places else (0, 0, table)
        if is_output:
            level = levels.pop() + 1 if levels else self.output_level
            if self.output_level not in (0, level):
                raise ModelError(
                    f"line {number}: is a gate of layer {level}, outputs before it are of layer "
                    f"{self.output_level}"
                )
            self.output_level = level
            self.outputs.append(row)
            return
        level = levels.pop() + 1 if levels else max(self.levels[-1] if self.levels else 1, 1)
        if level > len(self.rows):
            self.rows.append([])
        self.levels.append(level)
        self.places.append(len(self.rows[level - 1]))
        self.rows[level - 1].append(row)
        self.values.append(None if operands else table & 1)

    def layers(self, sizes: dict[str, int]) -> tuple[list[Gates], Counted]:
        """Give the layers and the counts, once the sizes are known."""
        needed, number = self.inputs
        if needed > sizes["inputs"]:
            raise ModelError(
                f"line {number}: reads inp[{needed - 1}], and there are {sizes['inputs']} inputs"
            )
        neurons, classes, size = sizes["neurons"], sizes["classes"], sizes["size"]
        if len(self.outputs) != neurons:
            raise ModelError(f"the last layer has {len(self.outputs)} gates, must have {neurons}")
        if size != neurons // classes:
            raise ModelError(
                f"{size} gates of each class are counted, must be {neurons // classes} for "
                f"{neurons} gates and {classes} classes"
            )
        if size < 1:
            raise ModelError(f"no gate is left for each of {classes} classes")
        if size >> sizes["places"]:
            raise ModelError(f"counts up to {size} do not fit into {sizes['places']} bits")
        depth = (self.output_level or len(self.rows) + 1) - 1
        rows = [*(self.rows[:depth] if self.levels else []), self.outputs[: classes * size]]
        widths = [sizes["inputs"], *map(len, rows)]
        arrays = [np.array(layer, np.int64) for layer in rows]
        layers = [
            Gates(str(place), array[:, :2], array[:, 2:], widths[place])
            for place, array in enumerate(arrays)
        ]
        return layers, Counted(str(len(layers)), classes, integers=True)


def _sizes(word: str, lines: Iterator[tuple[int, str]], number: int) -> dict[str, int]:
    """Compare the function that calls the gates with difflogic's, and give its sizes."""
    known = {
        "word": word,
        "bits": str(_WORDS[word]),
        "zero": _ZEROS[word],
        "one": _ONES[word],
    }
    for expected in _TAIL.splitlines():
        number, line = next(lines, (number, ""))
        pattern, shown = "", ""
        for part in re.split(r"(<\w+>)", expected):
            name = part.strip("<>")
            if not re.fullmatch(r"<\w+>", part):
                pattern, shown = pattern + re.escape(part), shown + part
            elif name in known:
                pattern, shown = pattern + re.escape(known[name]), shown + known[name]
            else:
                group = rf"(?P={name})" if f"P<{name}>" in pattern else rf"(?P<{name}>\d{{1,9}})"
                pattern, shown = pattern + group, f"{shown}<{name}>"
        found = re.fullmatch(pattern, line)
        if found is None:
            raise ModelError(f"line {number}: {_shown(line)}, must be {shown!r}")
        for name, value in found.groupdict().items():
            known[name] = value
    for number, line in lines:
        raise ModelError(f"line {number}: {_shown(line)} after the end of difflogic's functions")
    sizes = {name: int(known[name]) for name in ("inputs", "neurons", "classes", "size", "places")}
    for name in ("inputs", "neurons", "classes"):
        if not sizes[name]:
            raise ModelError(f"the number of {name} is 0, must be at least 1")
    return sizes


def _is_source(path: Path) -> bool:
    """Tell a source of difflogic, or a compiled library, from other files of these suffixes."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return head.startswith(_BINARIES) or b"void logic_gate_net" in head


FORMAT = Format(
    name="difflogic-c",
    title="C source of difflogic's CompiledLogicNet",
    suffixes=(".c", ".so", ".dylib", ".dll"),
    read=read,
    reads="LogicDense layers and integer counts; a compiled library is refused with the way out",
    sniff=_is_source,
)
