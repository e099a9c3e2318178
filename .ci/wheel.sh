#!/usr/bin/env bash
# Builds the sdist, the wheel from that sdist, and tries the wheel in an environment of its own,
# in a folder outside the repository, with nothing but the core requirements.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m build --no-isolation --sdist -o "$work/dist" . >"$work/sdist.log" \
  || { cat "$work/sdist.log"; exit 1; }
mkdir "$work/source"
tar -xzf "$work"/dist/*.tar.gz -C "$work/source" --strip-components 1
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m build --no-isolation --wheel -o "$work/dist" "$work/source" \
  >"$work/wheel.log" || { cat "$work/wheel.log"; exit 1; }
wheel=$(ls "$work"/dist/*.whl)
case "$wheel" in *-py3-none-*) ;; *) echo "not a py3-none wheel: $wheel"; exit 1 ;; esac

.venv/bin/python -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$wheel" pytest
cp -r tests/wheel "$work/tests"
cd "$work"
"$work/venv/bin/python" -m pytest -q "$work/tests"
"$work/venv/bin/lgnx" --help >/dev/null
