#!/usr/bin/env bash
# Serves a model with `swift deploy` and the media settings that it was trained with, at http://127.0.0.1:8000/v1.
# Ctrl-C ends it. A client names files and addresses that the server then opens: --host 0.0.0.0 is for networks that you
# trust.
#
#   bash shell/deploy.sh <model> [gpu_ids] [--key value ...]
#   bash shell/deploy.sh output/sed/checkpoint-100 0 --port 8000 --served_model_name saber
#   swift-saber analyze clip.mp4 --base-url http://127.0.0.1:8000/v1 --model saber
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli deploy "$@"
