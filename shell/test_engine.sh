#!/usr/bin/env bash
# Makes .venv-engine if needed, with vLLM's CPU build, and runs tests/engine in it: a real engine on two cores. It is an
# environment of its own, since vLLM has its own torch. Arguments go to pytest.
# Exit status: 75 where the environment cannot be installed, else pytest's.
#
#   bash shell/test_engine.sh
#   SABER_TEST_DEMO=runs/demo bash shell/test_engine.sh      with the model of shell/demo.sh; else one is trained
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
ENGINE="$SABER_HOME/.venv-engine" PINS="$SABER_HOME/tests/engine/requirements.txt"
PYTHON="$ENGINE/bin/python"

make_engine() {
  local base stamp
  stamp="$(cat "$SABER_HOME/pyproject.toml" "$PINS" | cksum) $ENGINE"
  if [ -x "$PYTHON" ] && [ "$(cat "$ENGINE/.saber-stamp" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  base="$(base_python)" || return
  echo "== installing vLLM into .venv-engine with $("$base" --version) (once)"
  "$base" -m venv "$ENGINE" || return
  rm -f "$ENGINE/.saber-stamp"
  # The list is whole, so nothing is looked up beyond it. uv does not read pip's configuration: then pip, as in _env.sh.
  if ! { "$PYTHON" -m pip install --quiet --disable-pip-version-check uv 2>/dev/null &&
    "$PYTHON" -m uv pip install --quiet --python "$PYTHON" --no-deps --requirement "$PINS" --editable "$SABER_HOME"; }; then
    echo "== with pip instead of uv, which takes a few minutes"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$PINS" --editable "$SABER_HOME" || return
  fi
  echo "$stamp" > "$ENGINE/.saber-stamp"
}

if ! make_engine; then
  echo "swift-saber: error: vLLM could not be installed, see above; tests/engine were not run" >&2
  exit 75
fi
cd "$SABER_HOME"
# What is imported is compiled at the first start, and kept, wherever Python is told not to: all of it would take longer.
unset PYTHONDONTWRITEBYTECODE
exec "$PYTHON" -m pytest tests/engine "$@"
