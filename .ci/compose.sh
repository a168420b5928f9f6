#!/bin/sh
# Reads docker-compose.yml as Compose does, once for each profile. Needs no Docker engine.
set -eu
if docker compose version >/dev/null 2>&1; then compose="docker compose"; else compose=docker-compose; fi
for profile in sqlite postgres; do
    COMPOSE_PROFILES=$profile $compose --file docker-compose.yml config --quiet
    echo "docker-compose.yml, profile $profile: ok"
done
