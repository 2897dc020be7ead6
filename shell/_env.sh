# Sourced by the scripts beside it: finds the repository and the Python to use, and makes .venv when asked to.
# It changes no folder, so relative paths in arguments mean the caller's folder.

SABER_HOME="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$SABER_HOME/.venv"

fail() {
  echo "swift-saber: error: $*" >&2
  exit 2
}

# The Python that has swift-saber: $SABER_PYTHON, else .venv, else the active environment.
find_python() {
  local candidate
  if [ -n "${SABER_PYTHON:-}" ]; then
    PYTHON="$(command -v "$SABER_PYTHON")" && has_saber "$PYTHON" || fail "SABER_PYTHON=$SABER_PYTHON is no Python that has swift-saber installed"
    return
  fi
  for candidate in "$VENV/bin/python" "$(command -v python3 || true)"; do
    if [ -x "$candidate" ] && has_saber "$candidate"; then
      PYTHON="$candidate"
      return
    fi
  done
  fail "no Python with swift-saber found; run 'bash shell/demo.sh' once, or pip install -e '$SABER_HOME' into your environment"
}

has_saber() {
  "$1" -c 'import importlib.util as u, sys; sys.exit(not (u.find_spec("swift_saber") and u.find_spec("swift")))' 2>/dev/null
}

# Makes .venv from a Python 3.10+ and installs the tested set into it; does nothing when it is up to date, or when
# SABER_PYTHON names the Python to use.
make_venv() {
  local base stamp
  if [ -n "${SABER_PYTHON:-}" ]; then
    find_python
    return
  fi
  stamp="$(cat "$SABER_HOME/pyproject.toml" "$SABER_HOME/constraints.txt" | cksum) $VENV"
  PYTHON="$VENV/bin/python"
  if [ -x "$PYTHON" ] && [ "$(cat "$VENV/.saber-stamp" 2>/dev/null)" = "$stamp" ]; then
    return
  fi
  base="$(base_python)" || fail "Python 3.10 or newer is needed; install it or name it: SABER_BASE_PYTHON=/path/to/python3"
  echo "== installing into .venv with $("$base" --version) (once)"
  "$base" -m venv "$VENV" || fail "could not make .venv (on Debian or Ubuntu: apt install python3-venv)"
  rm -f "$VENV/.saber-stamp"
  # uv is about ten times faster than pip, but it does not read pip's configuration (mirrors, certificates): then pip.
  if ! { "$PYTHON" -m pip install --quiet --disable-pip-version-check uv 2>/dev/null &&
    "$PYTHON" -m uv pip install --quiet --compile-bytecode --python "$PYTHON" --constraint "$SABER_HOME/constraints.txt" --editable "$SABER_HOME[dev]"; }; then
    echo "== with pip instead of uv, which takes a few minutes"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --constraint "$SABER_HOME/constraints.txt" --editable "$SABER_HOME[dev]" || fail "installation failed, see above"
  fi
  echo "$stamp" > "$VENV/.saber-stamp"
}

base_python() {
  local candidate
  for candidate in "${SABER_BASE_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 python; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}
