#!/usr/bin/env bash
# Makes .venv if needed, then lint, types, imports, declared packages, and all tests. Arguments go to pytest; without
# any the slow tests, but for the plugin's, run beside the others, since both wait for processes of their own most of
# the time, and each says which took longest. SABER_TEST_ENGINE=true has tests/engine run as well, with the demo's model
# (shell/test_engine.sh).
#
#   bash shell/test.sh
#   bash shell/test.sh -m 'not slow'
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
make_venv
cd "$SABER_HOME"
"$PYTHON" -m ruff check .
"$PYTHON" -m ruff format --check .
"$PYTHON" -m mypy
"$PYTHON" -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo
"$PYTHON" -m deptry .
if [ $# -gt 0 ]; then
  exec "$PYTHON" -m pytest "$@"
fi
# Each half has a core, so that a computation of several threads would wait for the other half's.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# Processes are started by the thousand: what they import is compiled once, wherever Python is told not to keep it.
unset PYTHONDONTWRITEBYTECODE
slow_log="$(mktemp)"
longest=(--durations=15 --durations-min=10)
SABER_TEST_DEMO="$(mktemp -d)" # where the demo's test makes it
export SABER_TEST_DEMO
# Which is the first of the slow ones, for the engine's tests (tests/conftest.py).
"$PYTHON" -m pytest "${longest[@]}" -m slow --ignore tests/plugin >"$slow_log" 2>&1 &
slow=$!
trap 'kill -INT "$slow" 2>/dev/null || true; rm -rf "$slow_log" "$SABER_TEST_DEMO"' EXIT
status=0
"$PYTHON" -m pytest "${longest[@]}" -m 'not slow' || status=$?
if [ "${SABER_TEST_ENGINE:-}" = true ]; then
  while kill -0 "$slow" 2>/dev/null && [ ! -e "$SABER_TEST_DEMO/summary.json" ]; do sleep 5; done
  engine=0
  env -u OMP_NUM_THREADS bash shell/test_engine.sh || engine=$?
  case "$engine" in
    0) ;;
    75) echo "== without vLLM: tests/engine were not run" ;;
    *) status="$engine" ;;
  esac
fi
"$PYTHON" -m pytest "${longest[@]}" -m slow tests/plugin || status=$?
echo "== other slow tests"
wait "$slow" || status=$?
cat "$slow_log"
exit "$status"
