#!/usr/bin/env bash
# Answers questions about clips with `swift infer` and the published media settings. Usable from any folder. For files
# and folders without rows there is `swift-saber analyze`, which is the same run (recipes/clips.md).
# Stopped in any way, the same command goes on. Every row ends once: in out.jsonl, or with its reason in
# out.rejects.jsonl; out.saber.jsonl has the answers as records. A reject is asked again when its row, its clip or a
# setting is changed. Exit status: 0 all answered, 1 rows rejected, 2 wrong input, 70 a crash, 130 Ctrl-C.
#
#   bash shell/infer.sh <model> <input_jsonl> <result_path> [gpu_ids] [--key value ...]
#   bash shell/infer.sh zhaoxiaoxian/SABER-LLM data.jsonl out.jsonl 0
#   bash shell/infer.sh zhaoxiaoxian/SABER-LLM data.jsonl out.jsonl 0,1,2,3     a model on each
#   STREAM=1 bash shell/infer.sh zhaoxiaoxian/SABER-LLM data.jsonl out.jsonl    one row at a time, as published
#   SABER_MEDIA_ROOT=/clips bash shell/infer.sh ...     rows with files outside of /clips are rejected, links followed
#   bash shell/infer.sh output/sed/checkpoint-100 data.jsonl out.jsonl 0 --no-sound      not that inside the videos
#   VIDEO_MIN_PIXELS=3136 bash shell/infer.sh output/sed/checkpoint-100 data.jsonl out.jsonl 0 --max_batch_size 8
#
# <model> is a model folder, a LoRA checkpoint folder or a hub id. ms-swift runs code that a model folder brings:
# load only models that you trust.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli infer "$@"
