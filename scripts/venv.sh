#!/usr/bin/env bash
# Makes .venv: every Python package at the version and with the hash that requirements.lock names, and conduit itself
# from this checkout, so that an edit takes effect at once.
#
#   scripts/venv.sh [python]
set -euo pipefail
cd "$(dirname "$0")/.."

export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
.venv/bin/python -m pip --version >/dev/null 2>&1 || "${1:-python3}" -m venv --clear .venv
printf 'venv: installing the Python packages of requirements.lock into .venv\n'
.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
