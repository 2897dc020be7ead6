#!/usr/bin/env bash
# The whole method on the embedded world, from an empty machine: clips, tiny model, SED with swift sft, candidates,
# preference pairs, CA-DPO with swift rlhf, inference and scores after each stage.
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
SHELLS="$SABER_HOME/shell" RECIPES="$SABER_HOME/recipes/mini"
saber() { "$PYTHON" -m swift_saber.cli "$@"; }
step() { echo "== [$((SECONDS / 60))m$((SECONDS % 60))s] $*"; }

# quiet LOG COMMAND...: runs it with its output in LOG; a failure shows the log's last lines.
quiet() {
  local log="$DEMO/$1"
  shift
  "$@" > "$log" 2>&1 || { tail -n 5 "$log" >&2; fail "the step failed, see $log"; }
}

# has_model STAGE FILE...: whether the stage's model is there, made from files with these contents. What was made from
# others is removed; what an interrupted run left is kept. FILEs are those of the earlier stages too.
has_model() {
  local folder="$DEMO/$1" inputs
  inputs="$(cat "${@:2}" | cksum)"
  if [ "$(cat "$folder/inputs" 2>/dev/null)" != "$inputs" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    echo "$inputs" > "$folder/inputs"
  fi
  [ -d "$folder/model" ]
}

# keep_model STAGE: takes the last checkpoint of the stage's training as its model.
keep_model() {
  mv "$(ls -d "$DEMO/$1"/train/checkpoint-* | sort -V | tail -n 1)" "$DEMO/$1/model"
}

# evaluate STAGE: asks the stage's model about the held-out clips, and adds its scores to summary.json.
evaluate() {
  if [ -f "$DEMO/$1/answers.saber.jsonl" ]; then
    step "answers: reusing $DEMO/$1/answers.jsonl"
  else
    step "shell/infer.sh on held-out clips (log: $DEMO/$1/infer.log)"
    quiet "$1/infer.log" bash "$SHELLS/infer.sh" "$DEMO/$1/model" "$DEMO/eval.jsonl" "$DEMO/$1/answers.jsonl" 0 \
      --max_batch_size 50 --max_new_tokens 256
  fi
  step "what the model wrote about some held-out clips, and how often it is right"
  saber mini score "$DEMO/eval.jsonl" "$DEMO/$1/answers.jsonl" --stage "$1" -o "$DEMO/summary.json"
  rm -rf "$DEMO/$1/scores"
  saber eval saber-test --data "$DEMO/world/eval_records.jsonl" --answers "$DEMO/$1/answers.jsonl" --model "$1" -o "$DEMO/$1/scores" \
    > "$DEMO/$1/scores.log"
}

mkdir -p "$DEMO"
step "clips: drawn faces and synthetic voices in $DEMO/world"
saber mini make "$DEMO/world"
cp "$DEMO/world/eval.jsonl" "$DEMO/eval.jsonl"
step "tiny Qwen2.5-Omni in $DEMO/base"
saber mini model "$DEMO/world" "$DEMO/base"

if has_model sed "$DEMO/world/world.json" "$RECIPES/sed.yaml"; then
  step "trained model: reusing $DEMO/sed/model"
else
  step "stage 1, SED: swift sft with recipes/mini/sed.yaml (log: $DEMO/sed/train.log)"
  rm -rf "$DEMO/sed/train"
  quiet sed/train.log bash "$SHELLS/sft.sh" "$RECIPES/sed.yaml" --model "$DEMO/base" \
    --dataset "$DEMO/world/train.jsonl" --output_dir "$DEMO/sed/train"
  keep_model sed
fi
evaluate sed

if has_model ca_dpo "$DEMO/world/world.json" "$RECIPES/sed.yaml" "$RECIPES/ca_dpo.yaml"; then
  step "trained model: reusing $DEMO/ca_dpo/model"
else
  clips="$DEMO/world/pairs_clips.jsonl" work="$DEMO/ca_dpo"
  step "stage 2, CA-DPO: candidates for clips of their own, from the SED model"
  # 4 in the place of the reported 10, to save time: the tiny model's answers to a clip are much alike.
  saber pairs sample "$clips" "$work/candidates.jsonl" --model "$DEMO/sed/model" -k 4 --max-new-tokens 100 --batch-size 64
  step "scores by the world's own truth, and pairs"
  saber pairs score "$work/candidates.jsonl" "$work/scored.jsonl" --rules mini
  [ -f "$work/pairs.jsonl" ] || saber pairs select "$work/scored.jsonl" "$work/pairs.jsonl" --records "$clips" \
    --record-as-chosen --kinds candidates swapped
  step "swift rlhf with recipes/mini/ca_dpo.yaml (log: $work/train.log)"
  rm -rf "$work/train"
  quiet ca_dpo/train.log bash "$SHELLS/rlhf.sh" "$RECIPES/ca_dpo.yaml" --model "$DEMO/sed/model" \
    --dataset "$work/pairs.jsonl" --output_dir "$work/train"
  keep_model ca_dpo
fi
evaluate ca_dpo

saber report "$DEMO/sed/scores" "$DEMO/ca_dpo/scores" --reference "$DEMO/world/eval_records.jsonl" -o "$DEMO/report.html"
step "before and after CA-DPO; conflict: the face says one thing and the voice another"
saber mini plot "$DEMO/summary.json" "$DEMO/summary.png"
step "done: $DEMO/summary.json, $DEMO/summary.png and $DEMO/report.html, a page with every clip and both models' answers"
