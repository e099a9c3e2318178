#!/usr/bin/env bash
# Tests on networks that brevitas exports. It wants an older setuptools than the rest, which it does
# not need to run, so it is installed beside .venv, without what it asks for.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
folder=build/brevitas
if [ ! -e "$folder/done" ]; then
  rm -rf "$folder"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" \
    brevitas==0.13.4 dependencies==2.0.1 onnxoptimizer==0.4.2 unfoldNd==0.2.3
  touch "$folder/done"
fi
PYTHONPATH="$folder" .venv/bin/python -m pytest -q tests/converters/test_qonnx_binary.py -k brevitas
