#!/bin/sh
# Runs fuzz targets: run.sh SECONDS [TARGET...]; without names all of them, as many at a time as there are processors.
#
# With the pinned stable compiler: RUSTC_BOOTSTRAP has it take what cargo-fuzz passes on. Without a sanitizer: these
# crates have no unsafe code outside the one file that only runs in Envoy, and what is looked for are panics.
# What is found stays in found/ and artifacts/, which git ignores; see README.md for how it gets into corpus/.
set -eu
cd "$(dirname "$0")"
seconds=$1
shift
[ $# -gt 0 ] || set -- $(ls corpus)
for target; do
    [ -d "corpus/$target" ] || { echo "bearward: no fuzz target $target; there are:" $(ls corpus) >&2 && exit 2; }
done

version=0.13.2
tools=$(pwd)/../.bearward/fuzz
PATH=$tools/bin:$PATH
case $(cargo fuzz --version 2>/dev/null) in
    "cargo-fuzz $version") ;;
    *) cargo install cargo-fuzz --locked --quiet --version "$version" --root "$tools" ;;
esac

export RUSTC_BOOTSTRAP=1 seconds
cargo fuzz build --fuzz-dir . --sanitizer none
echo "bearward: fuzzing $*, $seconds s each"
# xargs runs all of them, and fails if one did.
printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -I '{}' sh -c '
    mkdir -p found/{}
    if cargo fuzz run --fuzz-dir . --sanitizer none {} found/{} corpus/{} -- -dict=dictionaries/{}.dict \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >found/{}.log 2>&1
    then
        echo "{}: $(sed -n "s/^stat::number_of_executed_units: *//p" found/{}.log) inputs, nothing found"
    else
        tail -n 40 found/{}.log
        exit 1
    fi'
