#!/bin/sh
# Runs every fuzzer for SECONDS, each from its corpus: fuzz/run.sh SECONDS [NAME...]
# What is found on the way stays in build/fuzz/found/NAME; an input that fails is left there as crash-*.
set -eu
seconds=${1:?usage: fuzz/run.sh SECONDS [NAME...]}
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cmake --preset fuzz >/dev/null
cmake --build build/fuzz -j"${JOBS:-2}" --target vigil_fuzzers
names=${*:-$(ls fuzz/corpus)}
for name in $names; do
  found=build/fuzz/found/$name
  mkdir -p "$found"
  echo "== $name: $seconds s"
  "build/fuzz/bin/vigil_${name}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 \
    -verbosity=0 -print_final_stats=1 -artifact_prefix="$found/" "$found" "fuzz/corpus/$name" 2>&1 |
    grep -E 'ERROR|SUMMARY|^whole|^pieces|stat::(number|average)|DONE' || true
  if ls "$found"/crash-* "$found"/oom-* "$found"/timeout-* >/dev/null 2>&1; then
    echo "$name failed: see $found" >&2
    exit 1
  fi
done
