#!/usr/bin/env bash
# A machine that works for a Ray cluster: RAY_HEAD=HOST:6379 ray-worker.sh, with the head's versions of Python, Ray and
# SpeechAgents, and its token (see ray-head.sh). RAY_VRAM_GB says how much memory its GPU has: work that needs more of it
# goes elsewhere.
set -euo pipefail
: "${RAY_HEAD:?write RAY_HEAD=HOST:6379, where the head of the cluster is}"
export RAY_AUTH_MODE="${RAY_AUTH_MODE:-token}"

resources=()
[ -z "${RAY_VRAM_GB:-}" ] || resources=(--resources "{\"vram_gb\": $RAY_VRAM_GB}")
exec ray start --block \
  --address "$RAY_HEAD" \
  --num-cpus "${RAY_CPUS:-$(nproc)}" \
  --object-store-memory "${RAY_STORE_BYTES:-536870912}" \
  --disable-usage-stats \
  "${resources[@]}" "$@"
