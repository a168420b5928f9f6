#!/bin/sh
# Says in one line each what is missing on this machine, before anything is built. Arguments: the programs needed.
missing=0
need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "bearward: $1 is missing: $2" >&2
    missing=1
}
for program; do
    case $program in
        cargo) need cargo "install Rust with rustup, https://rustup.rs" ;;
        python3) need python3 "install Python 3 (Debian: apt-get install python3 python3-venv)" ;;
        cc) need cc "install a C compiler (Debian: apt-get install gcc libc6-dev)" ;;
        chromedriver) need chromedriver "install Chromium and its driver (Debian: apt-get install chromium chromium-driver)" ;;
        initdb) command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
            need initdb "install PostgreSQL's programs (Debian: apt-get install postgresql)" ;;
        node | npm) need "$program" "install Node.js 20 or later (Debian: apt-get install nodejs npm)" ;;
        docker-compose) docker compose version >/dev/null 2>&1 ||
            need docker-compose "install Compose (Debian: apt-get install docker-compose)" ;;
        wasm-opt) need wasm-opt "install Binaryen (Debian: apt-get install binaryen)" ;;
        wrk) need wrk "install wrk (Debian: apt-get install wrk)" ;;
        *) need "$program" "install it" ;;
    esac
done
exit $missing
