#!/usr/bin/env bash
# Trains on preference pairs with a recipe: `swift rlhf RECIPE` with the SABER plugin loaded. Usable from any folder.
#
#   bash shell/rlhf.sh recipes/ca_dpo_7b_lora_1gpu.yaml --adapters output/sed_7b_lora/v0-TIME/checkpoint-200 \
#     --dataset pairs.jsonl
#   bash shell/rlhf.sh recipes/ca_dpo_7b_full_multigpu.yaml --model SED_MODEL_FOLDER --dataset pairs.jsonl --beta 0.2
#
# With --adapters the same checkpoint becomes the reference; ms-swift by itself would take the base model.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli rlhf "$@"
