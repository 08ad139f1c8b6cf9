#!/usr/bin/env bash
# Voices for the preset server: audio/speech on port 8091, Qwen3-TTS with nine voices that take an instruction. It takes
# 60 % of its GPU, as vLLM-Omni's own settings for this model say. Needs vLLM-Omni 0.30 in an environment of its own.
# SERVE_HOST=0.0.0.0 lets other machines in: whoever reaches the port may use it.
set -euo pipefail

exec vllm serve Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice \
  --omni \
  --host "${SERVE_HOST:-127.0.0.1}" --port "${SERVE_PORT:-8091}" \
  "$@"
