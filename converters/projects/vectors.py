"""Test vectors: samples as the input port carries them, and what must come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lgnx.converters.projects.rtl_folder import RtlFolder
from lgnx.ops.errors import InputError

__all__ = ["Vectors", "hex_rows"]


@dataclass(frozen=True)
class Vectors:
    """Samples and results.

    Attributes
    ----------
    build_id
        Of the RTL that they were made for.
    inputs
        bool[n, bits of a sample], lowest bit first.
    expected
        bool[n, bits of all outputs], lowest bit first, in the order of the sidecar.
    origin
        Where they come from, in words.
    """

    build_id: str
    inputs: np.ndarray
    expected: np.ndarray
    origin: str

    def check(self, rtl: RtlFolder) -> None:
        """Check that they are of this RTL.

        Raises
        ------
        InputError
            If not, or if there are none.
        """
        if self.build_id != rtl.build_id:
            raise InputError(
                f"{rtl.path}: the vectors are of build {self.build_id}, the RTL is of build "
                f"{rtl.build_id}"
            )
        if len(self.inputs) == 0:
            raise InputError(f"{rtl.path}: there are no vectors")
        shapes = (self.inputs.shape[1], self.expected.shape[1])
        if shapes != (rtl.in_bits, rtl.out_bits) or len(self.inputs) != len(self.expected):
            raise InputError(
                f"{rtl.path}: vectors of {shapes[0]} and {shapes[1]} bits, the RTL has "
                f"{rtl.in_bits} and {rtl.out_bits}"
            )


def hex_rows(vectors: Vectors) -> str:
    """Write vectors as a file for ``$readmemh``.

    The rows are the number of the build, the number of vectors, each vector with its expected
    outputs above its inputs, and the number of the build again: so a file of another build, one
    that is missing and one that is cut off are all told.
    """
    count = len(vectors.inputs)
    both = np.concatenate([vectors.inputs, vectors.expected], axis=1)
    digits = -(-max(both.shape[1], 64) // 4)
    packed = np.packbits(both, axis=1, bitorder="little")[:, ::-1]
    lines = [
        f"// lgnx vectors, build {vectors.build_id}: {vectors.origin}",
        f"// build, {count} vectors: expected outputs above inputs, lowest bit last; build",
        vectors.build_id.rjust(digits, "0"),
        f"{count:x}".rjust(digits, "0"),
        *(row.tobytes().hex().rjust(digits, "0")[-digits:] for row in packed),
        vectors.build_id.rjust(digits, "0"),
    ]
    return "\n".join(lines) + "\n"
