#!/bin/sh
# Licences, bans and sources always; advisories where their database can be had, which needs the open internet.
set -eu
sh .ci/cargo-deny.sh --log-level warn check --hide-inclusion-graph bans licenses sources
if sh .ci/cargo-deny.sh fetch db >/dev/null 2>&1; then
    sh .ci/cargo-deny.sh check --hide-inclusion-graph advisories
else
    echo "bearward: advisories NOT checked: their database cannot be fetched from here"
fi
