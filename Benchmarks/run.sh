#!/bin/sh
# Measures dist/ (see bench.py; arguments are passed on). The peer lives in a virtual environment of its own.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/.venv
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi
exec "$venv/bin/python" "$here/bench.py" "$@"
