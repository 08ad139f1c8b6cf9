#!/usr/bin/env bash
# Ears for the preset server: audio/transcriptions on port 8001, Whisper large-v3-turbo. Fits beside the voices on a GPU
# with 16 GB and more. Needs vLLM 0.30 with sound ("vllm[audio]") in an environment of its own. SERVE_HOST=0.0.0.0 lets
# other machines in: whoever reaches the port may use it.
set -euo pipefail

exec vllm serve openai/whisper-large-v3-turbo \
  --revision 41f01f3fe87f28c78e2fbf8b568835947dd65ed9 \
  --host "${SERVE_HOST:-127.0.0.1}" --port "${SERVE_PORT:-8001}" \
  --gpu-memory-utilization 0.3 \
  "$@"
