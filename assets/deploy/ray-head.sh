#!/usr/bin/env bash
# The head of a Ray cluster, to which `--workers ray://THIS-HOST:10001` connects. It does no work itself.
# Whoever reaches its ports and has the token runs code on all machines: keep both to yourself. The token is a line of
# text in RAY_AUTH_TOKEN, in a file named by RAY_AUTH_TOKEN_PATH, or where `ray get-auth-token --generate` puts it; it is
# the same on all machines and for whoever connects.
set -euo pipefail
export RAY_AUTH_MODE="${RAY_AUTH_MODE:-token}"

exec ray start --head --block \
  --port "${RAY_PORT:-6379}" \
  --ray-client-server-port "${RAY_CLIENT_PORT:-10001}" \
  --dashboard-host "${RAY_DASHBOARD_HOST:-127.0.0.1}" --dashboard-port "${RAY_DASHBOARD_PORT:-8265}" \
  --num-cpus "${RAY_CPUS:-0}" \
  --object-store-memory "${RAY_STORE_BYTES:-536870912}" \
  --disable-usage-stats \
  "$@"
