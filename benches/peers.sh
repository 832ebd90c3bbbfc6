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
. benches/servers.sh
dump=$cache/peers/mongodump restore=$cache/peers/mongorestore
source_port=$(free_port) target_port=$(free_port)
uri="mongodb://127.0.0.1:$source_port/?replicaSet=rs0"
target="mongodb://127.0.0.1:$target_port/?replicaSet=rs0"

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
bytes() { find "$1" -name '*.bson*' -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }'; }
# contents NAME FILE: what a dump holds of a collection, unpacked.
contents() {
  find "$work/$1" -name "$2.bson" -exec cat {} +
  find "$work/$1" -name "$2.bson.gz" -exec zcat {} +
}

start_mongod "$source_port" 5
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
rm -rf "$work"/{peer-gzip,peer-plain,gzip,zstd,plain,fast}

start_mongod "$target_port" 2
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

rows_begin
row "gzip dump / mongodump --gzip -j4" peer-gzip gzip 4.5
row "zstd:3 dump / mongodump --gzip -j4" peer-gzip zstd 9
row "zstd:-7 dump / mongodump -j2" peer-plain fast 1.2
row "uncompressed dump / mongodump -j2" peer-plain plain 1.7
row "restore with indexes / mongorestore, 4 workers" peer-restore restore 1.6
echo "$sizes"
