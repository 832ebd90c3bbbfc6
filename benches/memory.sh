#!/usr/bin/env bash
# The memory of a dump over its time, for each way to compress: benches/memory.sh [MEGABYTES]
#
# Starts its own mongod, fills it with 2000 MB (benches/bulk.rs), and reads the resident memory of the running dump ten
# times a second. For each twentieth of its time it prints the most that was held, in MB, and the peak that the kernel
# recorded.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-2000}

. benches/servers.sh
port=$(free_port)
uri="mongodb://127.0.0.1:$port/?replicaSet=rs0"
start_mongod "$port" 5
echo "filling $megabytes MB"
"$bulk" fill "$uri" bench "$megabytes"

for compress in gzip zstd:3 zstd:-7 none; do
  rm -rf "$work/dump" "$work/curve"
  "$plimsoll" --quiet backup --uri "$uri" --repo "$work/dump" --asset bench --db bench --compress "$compress" \
    >"$work/out" 2>&1 &
  dump=$!
  while held=$(awk '/^VmRSS/ { rss = $2 } /^VmHWM/ { peak = $2 } END { if (rss) print rss, peak; else exit 1 }' "/proc/$dump/status" 2>/dev/null); do
    echo "$held" >>"$work/curve"
    sleep 0.1
  done
  wait "$dump" || { cat "$work/out" >&2; exit 1; }
  awk -v name="$compress" '
    { rss[NR] = $1; peak = $2 }
    END {
      printf "%-8s peak %d MB, over its time:", name, peak / 1000
      for (part = 0; part < 20; part++) {
        most = 0
        for (i = int(part * NR / 20) + 1; i <= int((part + 1) * NR / 20); i++) if (rss[i] > most) most = rss[i]
        printf " %d", most / 1000
      }
      print ""
    }' "$work/curve"
done
