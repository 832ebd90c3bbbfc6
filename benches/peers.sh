#!/usr/bin/env bash
# Plimsoll and stock mongodump/mongorestore in turn, on one warm server and the same seeded data, as ratios.
#
#   benches/peers.sh [MEGABYTES] [ROUNDS]          2000 and 3 by default; about 25 minutes on two quiet cores
#
# Starts its own mongod, fills it (benches/bulk.rs), proves that both dumps hold the same bytes and both restores the
# same data, and prints for every row the median and the spread of peer time / Plimsoll time, round by round.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-2000} rounds=${2:-3}
restored_megabytes=$((megabytes / 10))

.ci/peers
cargo build --quiet --release --bin plimsoll --bench bulk
plimsoll=$PWD/target/release/plimsoll
bulk=$(cargo build --quiet --release --bench bulk --message-format=json | grep -o '"executable":"[^"]*bulk-[^"]*"' | tail -1 | cut -d'"' -f4)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll
dump=$cache/peers/mongodump restore=$cache/peers/mongorestore
mongod=${PLIMSOLL_MONGOD:-$(command -v mongod || find "$cache/servers" -name mongod -type f 2>/dev/null | head -1)}
[ -x "$mongod" ] || { echo "no mongod: run the demo once, which fetches it, or set PLIMSOLL_MONGOD" >&2; exit 1; }

work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# start PORT CACHE_GB: a replica set of one.
start() {
  mkdir -p "$work/db-$1"
  "$mongod" --dbpath "$work/db-$1" --port "$1" --bind_ip 127.0.0.1 --nounixsocket --replSet rs0 --oplogSize 4096 \
    --wiredTigerCacheSizeGB "$2" --setParameter diagnosticDataCollectionEnabled=false >"$work/mongod-$1.log" 2>&1 &
  servers+=($!)
  "$bulk" initiate "mongodb://127.0.0.1:$1/?directConnection=true"
}
source_port=27117 target_port=27118
uri="mongodb://127.0.0.1:$source_port/?replicaSet=rs0"
target="mongodb://127.0.0.1:$target_port/?replicaSet=rs0"

# timed NAME COMMAND...: seconds and peak memory of a command, appended to a file of that name.
timed() {
  local name=$1
  shift
  sync
  /usr/bin/time -o "$work/time" -f '%e %M' "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; return 1; }
  cat "$work/time" >>"$work/$name.times"
}
# ours NAME FLAGS...: a dump by Plimsoll into a directory that is new.
ours() {
  local name=$1
  shift
  rm -rf "$work/$name"
  timed "$name" "$plimsoll" --quiet backup --uri "$uri" --repo "$work/$name" --asset bench --db bench "$@"
}
theirs() {
  local name=$1
  shift
  rm -rf "$work/$name"
  timed "$name" "$dump" --quiet --uri "$uri" --db bench --out "$work/$name" "$@"
}
# row TITLE PEER OURS WANTED: ratios of the two files' seconds, line by line.
row() {
  paste "$work/$2.times" "$work/$3.times" | awk '{ print $1 / $3, $1, $3, $4 }' | sort -n | awk -v title="$1" -v wanted="$4" '
    { ratio[NR] = $1; peer += $2; mine += $3; if ($4 > memory) memory = $4 }
    END {
      printf "| %-46s | %7.2f s | %7.2f s | %5.2fx (%.2f to %.2f) | %5.2fx | %4.0f MB |\n",
        title, peer / NR, mine / NR, ratio[int((NR + 1) / 2)], ratio[1], ratio[NR], wanted, memory / 1024
    }'
}
bytes() { find "$1" -name '*.bson*' -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }'; }
# contents NAME FILE: what a dump holds of a collection, unpacked.
contents() {
  find "$work/$1" -name "$2.bson" -exec cat {} +
  find "$work/$1" -name "$2.bson.gz" -exec zcat {} +
}

start "$source_port" 5
echo "filling $megabytes MB"
"$bulk" fill "$uri" bench "$megabytes"
for round in $(seq "$rounds"); do
  echo "dumps, round $round of $rounds"
  theirs peer-gzip --gzip -j 4
  ours gzip --compress gzip
  ours zstd --compress zstd:3
  theirs peer-plain -j 2
  ours plain --compress none
  ours fast --compress zstd:-7
done
for collection in events images users edits notes; do
  for other in plain gzip peer-gzip; do
    cmp <(contents peer-plain "$collection") <(contents "$other" "$collection")
  done
done
echo "the dumps hold the same bytes"
sizes="stored: mongodump --gzip $(bytes "$work/peer-gzip"), gzip $(bytes "$work/gzip"), zstd:3 $(bytes "$work/zstd") bytes"
rm -rf "$work"/peer-* "$work"/gzip "$work"/zstd "$work"/plain "$work"/fast

start "$target_port" 2
"$bulk" fill "$uri" bench "$restored_megabytes"
theirs small --gzip
ours repository --compress gzip
for round in $(seq "$rounds"); do
  echo "restores, round $round of $rounds"
  for tool in peer ours; do
    "$bulk" drop "$target" bench
    case $tool in
      peer) timed peer-restore "$restore" --quiet --gzip --uri "$target" --numInsertionWorkersPerCollection 4 \
        --numParallelCollections 4 --writeConcern '{w: "majority", j: true}' "$work/small" ;;
      ours) timed restore "$plimsoll" --quiet restore --repo "$work/repository" --asset bench --to-uri "$target" --apply ;;
    esac
    "$bulk" same "$uri" "$target" bench
  done
done
echo "both restores equal the source by dbHash"

printf '\n| %-46s | %-9s | %-9s | %-21s | %-6s | %-7s |\n' what peer Plimsoll 'ratio (spread)' wanted memory
echo '|---|---|---|---|---|---|'
row "gzip dump / mongodump --gzip -j4" peer-gzip gzip 4.5
row "zstd:3 dump / mongodump --gzip -j4" peer-gzip zstd 9
row "zstd:-7 dump / mongodump -j2" peer-plain fast 1.2
row "uncompressed dump / mongodump -j2" peer-plain plain 1.7
row "restore with indexes / mongorestore, 4 workers" peer-restore restore 1.6
echo "$sizes"
