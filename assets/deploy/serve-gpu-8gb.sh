#!/usr/bin/env bash
# The brain of the preset gpu-8gb, shared by many: chat completions on port 8000, in four bits, on a GPU with 8 GB.
# Needs vLLM 0.30 and bitsandbytes in an environment of their own. SERVE_HOST=0.0.0.0 lets other machines in: whoever
# reaches the port may use it.
set -euo pipefail

exec vllm serve Qwen/Qwen3-4B-Instruct-2507 \
  --revision cdbee75f17c01a7cc42f958dc650907174af0554 \
  --host "${SERVE_HOST:-127.0.0.1}" --port "${SERVE_PORT:-8000}" \
  --quantization bitsandbytes --dtype bfloat16 \
  --max-model-len 16384 --gpu-memory-utilization 0.85 \
  --enable-prefix-caching \
  "$@"
