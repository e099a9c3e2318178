"""Put difflogic and torchlogix into benchmarks/out/peers, for `peers.py`.

    python benchmarks/install_peers.py

difflogic's setup.py wants a CUDA build of torch, for an extension that compiled networks do not
use; it gets a stand-in that builds nothing. One file of torchlogix 0.2.2 is no code of Python 3.10
and 3.11; it is mended in a copy.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "out" / "peers"
DIFFLOGIC, TORCHLOGIX = "difflogic==0.1.0", "torchlogix==0.2.2"
ALKAID = ("alkaid==0.8.2", "quantizers==1.2.2")  # numpy is all else that it needs
TORCH_DWN = "torch_dwn==1.1.1"  # of which the tests of its converter make networks

_CPP_EXTENSION = '''
from setuptools import Extension
from setuptools.command.build_ext import build_ext


class BuildExtension(build_ext):
    def run(self):
        """Build nothing."""


def CUDAExtension(name, sources, **kwargs):
    return Extension(name, [])


CppExtension = CUDAExtension
'''


def install() -> None:
    """Install both, where they are not there yet."""
    PEERS.mkdir(parents=True, exist_ok=True)
    if not (PEERS / "difflogic").is_dir():
        install_difflogic(PEERS)
    if not (PEERS / "torchlogix").is_dir():
        install_torchlogix()
    importlib.invalidate_caches()


def install_difflogic(folder: Path) -> None:
    """Build difflogic without its CUDA extension, and put it into a folder."""
    _without_cuda(DIFFLOGIC, folder)


def install_torch_dwn(folder: Path) -> None:
    """Build torch_dwn without its CUDA extension, and put it into a folder."""
    _without_cuda(TORCH_DWN, folder)


def install_alkaid() -> None:
    """Put alkaid there, where it is not there yet."""
    if not (PEERS / "alkaid").is_dir():
        _pip(list(ALKAID), PEERS)
        importlib.invalidate_caches()


def _without_cuda(requirement: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        utils = Path(scratch) / "torch" / "utils"
        utils.mkdir(parents=True)
        for package in (utils.parent, utils):
            (package / "__init__.py").touch()
        (utils / "cpp_extension.py").write_text(_CPP_EXTENSION)
        _pip(["--no-build-isolation", requirement], folder, PYTHONPATH=scratch)


def install_torchlogix() -> None:
    """Copy torchlogix, and mend the copy where this Python cannot read it."""
    spec = importlib.util.find_spec("torchlogix")
    if spec is None or spec.origin is None:
        _pip([TORCHLOGIX], PEERS)
    else:
        source = Path(spec.origin).parent
        for part in (source, *source.parent.glob("torchlogix-*.dist-info")):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(part, PEERS / part.name, ignore=ignored)
    path = PEERS / "torchlogix" / "circuit.py"
    code = path.read_text()
    try:
        compile(code, str(path), "exec")
    except SyntaxError:
        path.write_text(mend(code))
        print(f"mended {path}")


def mend(code: str) -> str:
    """Give an f-string that holds another one of the same quotes different quotes."""
    quotes = '"""'
    start = code.index(f"return f{quotes}\\\n// Auto-generated circuit - do not edit")
    end = code.index(f"}}}}{quotes}}}{quotes}\n", start) + len(f"}}}}{quotes}}}")
    inside = code[start + len(f"return f{quotes}") : end]
    return f"{code[:start]}return f'''{inside}'''{code[end + len(quotes) :]}"


def _pip(what: list[str], folder: Path, **environment: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--target", str(folder), *what], check=True, env={**os.environ, **environment}
    )


if __name__ == "__main__":
    install()
    print(f"difflogic and torchlogix are in {PEERS}")
