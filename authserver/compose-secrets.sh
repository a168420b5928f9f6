#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, unless they are there. The directory is closed to other users of
# this machine; the files are not, since the containers' users, who are not you, read them.
set -eu
dir=.bearward/secrets
mkdir -p "$dir"
chmod 700 "$dir"
random() { head -c 32 /dev/urandom; }
put() {
    if [ -e "$dir/$1" ]; then echo "$dir/$1 is there already"; else
        cat >"$dir/$1"
        chmod 644 "$dir/$1"
        echo "$dir/$1 made"
    fi
}
random | base64 | tr -d '\n' | put master_key
random | od -An -v -tx1 | tr -d ' \n' | put gateway_secret
random | od -An -v -tx1 | tr -d ' \n' | put database_password
printf 'postgres://bearward:%s@postgres/bearward' "$(cat "$dir/database_password")" | put database_url
