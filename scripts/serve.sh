#!/usr/bin/env bash
# Serves the sandbox of this checkout: its private daemons, its desired/, the API and the dashboard.
#
#   scripts/serve.sh dev         in the foreground, with its log
#   scripts/serve.sh go          in the background; the log is .sandbox/serve.log
#   scripts/serve.sh stop        end the one in the background; the daemons go on
set -euo pipefail
cd "$(dirname "$0")/.."

place=.sandbox
conduit=(.venv/bin/python -m conduit --config "$place/conduit.yaml")
running() { [ -s "$place/serve.pid" ] && kill -0 "$(cat "$place/serve.pid")" 2>/dev/null; }

start() {
    .venv/bin/python -m conduit sandbox up --demo >/dev/null
    [ -s "$place/api-key" ] || (umask 077; .venv/bin/python -c \
        'import secrets; print("cdt_" + secrets.token_urlsafe(32))' > "$place/api-key")
    CONDUIT_API_KEY=$(cat "$place/api-key")
    export CONDUIT_API_KEY
    printf 'The key for changes is in %s; reading needs none here.\n' "$place/api-key"
}

case "${1:-}" in
dev)
    start
    exec "${conduit[@]}" serve
    ;;
go)
    if running; then printf 'It runs already: pid %s\n' "$(cat "$place/serve.pid")"; exit 0; fi
    start
    nohup "${conduit[@]}" serve >> "$place/serve.log" 2>&1 < /dev/null &
    printf '%s\n' "$!" > "$place/serve.pid"
    for _ in $(seq 100); do
        curl --silent --output /dev/null http://127.0.0.1:9999/api/ping && break
        running || { tail -n 5 "$place/serve.log" >&2; exit 1; }
        sleep 0.1
    done
    printf 'Serving on http://127.0.0.1:9999, pid %s, log %s\n' "$(cat "$place/serve.pid")" "$place/serve.log"
    ;;
stop)
    if ! running; then printf 'It does not run.\n'; exit 0; fi
    kill "$(cat "$place/serve.pid")"
    while running; do sleep 0.1; done
    rm -f "$place/serve.pid"
    printf 'Stopped.\n'
    ;;
*)
    printf 'usage: scripts/serve.sh dev|go|stop\n' >&2
    exit 64
    ;;
esac
