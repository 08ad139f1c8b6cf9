#!/usr/bin/env bash
# The brain of the preset gpu-80gb, shared by many: chat completions on port 8000, and it hears. On a GPU with 80 GB.
# Needs vLLM 0.30 with sound ("vllm[audio]") in an environment of its own. SERVE_HOST=0.0.0.0 lets other machines in:
# whoever reaches the port may use it.
set -euo pipefail

exec vllm serve Qwen/Qwen3-Omni-30B-A3B-Instruct \
  --revision 26291f793822fb6be9555850f06dfe95f2d7e695 \
  --host "${SERVE_HOST:-127.0.0.1}" --port "${SERVE_PORT:-8000}" \
  --dtype bfloat16 \
  --max-model-len 16384 --gpu-memory-utilization 0.92 \
  --limit-mm-per-prompt '{"audio": 48, "image": 0, "video": 0}' \
  --enable-prefix-caching \
  "$@"
