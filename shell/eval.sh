#!/usr/bin/env bash
# Evaluates a model, or existing answers, on a benchmark, and writes questions, answers, items and scores into a folder.
# Usable from any folder. Stopped in any way, the same command goes on. Scoring alone needs no GPU.
#
#   bash shell/eval.sh <benchmark> --data <data> --model <model> -o <folder> [--gpu 0,1] [-- --key value ...]
#   bash shell/eval.sh saber-test --data test.jsonl --model zhaoxiaoxian/SABER-LLM -o runs/saber-test --gpu 0,1,2,3
#   bash shell/eval.sh saber-test --data test.jsonl --answers out.jsonl -o runs/scored    existing results of infer.sh
#   bash shell/eval.sh saber-test ... --judge Qwen/Qwen3-32B --base-url http://127.0.0.1:8000/v1
#   bash shell/eval.sh probe --data test.jsonl --model output/sed/checkpoint-100 -o runs/probe
#   bash shell/eval.sh compare runs/sed runs/ca_dpo
#   bash shell/eval.sh emobench-m --help
#
# Exit status: 0 when there are scores, with the numbers of missing and invalid answers beside them; 2 for input that
# cannot be used. ms-swift runs code that a model folder brings: load only models that you trust.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_env.sh"
find_python
exec "$PYTHON" -m swift_saber.cli eval "$@"
