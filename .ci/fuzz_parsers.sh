#!/usr/bin/env bash
# Fuzzes the parsers of foreign files: each for SECONDS_EACH seconds (default 20). New inputs are
# kept in build/fuzz/finds.
set -euo pipefail
cd "$(dirname "$0")/.."
make .venv/dev.stamp
seconds=${SECONDS_EACH:-20}
mkdir -p build/fuzz
for name in $(.venv/bin/python tests/fuzz/run.py); do
  echo "fuzzing $name for $seconds s"
  rm -f "build/fuzz/$name-"*
  if ! .venv/bin/python tests/fuzz/run.py "$name" --seconds "$seconds" \
    >build/fuzz/"$name".log 2>&1; then
    tail -40 build/fuzz/"$name".log
    echo "failed on the input" "build/fuzz/$name-"*
    exit 1
  fi
  grep -E "stat::(number_of_executed_units|new_units_added)" build/fuzz/"$name".log
done
