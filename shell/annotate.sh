#!/usr/bin/env bash
# Makes checked SABER records out of source datasets. Usable from any folder; stopped in any way, the same command goes on.
#
#   bash shell/annotate.sh <recipe> [--until STAGE]
#   bash shell/annotate.sh recipes/data/saber.yaml
#   bash shell/annotate.sh recipes/data/saber.yaml --until clean     no model is asked yet
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli pipeline "$@"
