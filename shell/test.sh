#!/usr/bin/env bash
# Makes .venv if needed, then lint, types, imports, declared packages, and all tests. Arguments go to pytest.
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
exec "$PYTHON" -m pytest "$@"
