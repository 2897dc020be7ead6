#!/usr/bin/env bash
# Fine-tunes with a recipe: `swift sft RECIPE` with the SABER plugin loaded. Usable from any folder.
#
#   bash shell/sft.sh recipes/sed_7b_lora_1gpu.yaml --dataset /data/saber.jsonl
#   bash shell/sft.sh recipes/sed_7b_lora_1gpu.yaml --dataset /data/saber.jsonl --learning_rate 5e-5
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli sft "$@"
