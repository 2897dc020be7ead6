#!/usr/bin/env bash
# The main job on the embedded world, from an empty machine: clips, tiny model, swift sft, inference, scores.
# Needs Python 3.10+ and a network for the installation; two CPU cores are enough, a GPU is not used.
# Run again, it reuses what is there; remove runs/demo to start over.
#
#   bash shell/demo.sh
#   SABER_DEMO_DIR=/tmp/demo bash shell/demo.sh
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
make_venv
export SABER_PYTHON="$PYTHON"
# The tiny model is faster on the CPU than a GPU would be to start.
export CUDA_VISIBLE_DEVICES=""
DEMO="${SABER_DEMO_DIR:-$SABER_HOME/runs/demo}"
RECIPE="$SABER_HOME/recipes/mini/sed.yaml"
saber() { "$PYTHON" -m swift_saber.cli "$@"; }
step() { echo "== [$((SECONDS / 60))m$((SECONDS % 60))s] $*"; }

mkdir -p "$DEMO"
step "clips: drawn faces and synthetic voices in $DEMO/world"
saber mini make "$DEMO/world"
cp "$DEMO/world/eval.jsonl" "$DEMO/eval.jsonl"
step "tiny Qwen2.5-Omni in $DEMO/base"
saber mini model "$DEMO/world" "$DEMO/base"

# A trained model is good for as long as the recipe and the clips are those that it was trained with.
stamp="$(cat "$RECIPE" "$DEMO/world/world.json" | cksum)"
if [ "$(cat "$DEMO/sed/stamp" 2>/dev/null)" = "$stamp" ]; then
  step "trained model: reusing $DEMO/sed/model"
else
  step "swift sft with recipes/mini/sed.yaml (log: $DEMO/sft.log)"
  rm -rf "$DEMO/sed"
  bash "$SABER_HOME/shell/sft.sh" "$RECIPE" --model "$DEMO/base" --dataset "$DEMO/world/train.jsonl" \
    --output_dir "$DEMO/sed/train" > "$DEMO/sft.log" 2>&1 || { tail -n 5 "$DEMO/sft.log" >&2; fail "training failed, see $DEMO/sft.log"; }
  mv "$(ls -d "$DEMO"/sed/train/checkpoint-* | sort -V | tail -n 1)" "$DEMO/sed/model"
  echo "$stamp" > "$DEMO/sed/stamp"
fi

if [ -f "$DEMO/sed/answers.jsonl" ]; then
  step "answers: reusing $DEMO/sed/answers.jsonl"
else
  step "shell/infer.sh on held-out clips (log: $DEMO/infer.log)"
  bash "$SABER_HOME/shell/infer.sh" "$DEMO/sed/model" "$DEMO/eval.jsonl" "$DEMO/sed/answers.jsonl" 0 \
    --max_batch_size 50 --max_new_tokens 256 > "$DEMO/infer.log" 2>&1 || { tail -n 5 "$DEMO/infer.log" >&2; fail "inference failed, see $DEMO/infer.log"; }
fi

step "what the model wrote about some held-out clips, and how often it is right"
saber mini score "$DEMO/eval.jsonl" "$DEMO/sed/answers.jsonl" --stage sed -o "$DEMO/summary.json"
step "done: $DEMO/summary.json"
