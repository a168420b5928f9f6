#!/bin/sh
# Runs fuzz targets: run.sh SECONDS [TARGET...]; without names all of them, one after the other.
#
# With the pinned stable compiler: RUSTC_BOOTSTRAP has it take what cargo-fuzz passes on. Without a sanitizer: these
# crates have no unsafe code outside the one file that only runs in Envoy, and what is looked for are panics.
# What is found stays in found/ and artifacts/, which git ignores; see README.md for how it gets into corpus/.
set -eu
cd "$(dirname "$0")"
seconds=$1
shift
[ $# -gt 0 ] || set -- $(ls corpus)

version=0.13.2
tools=$(pwd)/../.bearward/fuzz
PATH=$tools/bin:$PATH
case $(cargo fuzz --version 2>/dev/null) in
    "cargo-fuzz $version") ;;
    *) cargo install cargo-fuzz --locked --version "$version" --root "$tools" ;;
esac

export RUSTC_BOOTSTRAP=1
for target; do
    echo "bearward: fuzzing $target for $seconds s"
    mkdir -p "found/$target"
    cargo fuzz run --fuzz-dir . --sanitizer none "$target" "found/$target" "corpus/$target" -- \
        -dict="dictionaries/$target.dict" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
