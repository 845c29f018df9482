#!/usr/bin/env bash
# Runs a command as root: dockerd needs it, and the sandbox then belongs to root as a whole.
#
#   scripts/as_root.sh command [argument...]
set -euo pipefail
[ "$(id -u)" = 0 ] && exec "$@"
exec sudo --preserve-env=CONDUIT_HOST_DOCKER "$@"
