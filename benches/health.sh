#!/usr/bin/env bash
# What it takes to know that backups are good, and how surely rot is found: benches/health.sh [MEGABYTES]
#
# Starts its own mongod and S3 server, fills the first with 2000 MB (benches/bulk.rs), backs it up, and prints
# 1. how fast a verification reads it back, whole and a twentieth of it;
# 2. a drill with all its phases;
# 3. in a directory: one flipped bit in every object, and objects cut short, swapped, grown and gone, each against what a
#    verification says. It ends with a failure if one is not found.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-2000}

. benches/servers.sh
port=$(free_port)
uri="mongodb://127.0.0.1:$port/?replicaSet=rs0"
start_mongod "$port" 4
start_s3
"$bulk" fill "$uri" bench "$megabytes"
aws=$cache/peers/python/bin/aws
"$aws" s3api create-bucket --bucket health >/dev/null
export PLIMSOLL_REPO=s3://health/repo PLIMSOLL_MONGOD
PLIMSOLL_MONGOD=$(program PLIMSOLL_MONGOD mongod)
"$plimsoll" --quiet backup --uri "$uri" --asset bench --db bench >/dev/null
echo "Verification of $megabytes MB of documents in S3"
for what in "" "--sample 5%"; do
  echo "  verify ${what:-of all}"
  # shellcheck disable=SC2086
  /usr/bin/time -f "  %e s, %M KB at most" "$plimsoll" --quiet verify $what
done
echo "Drill of $megabytes MB"
"$plimsoll" --quiet drill --asset bench

repo=$work/repo
megabytes=$((megabytes / 20))
"$bulk" fill "$uri" bench "$megabytes"
export PLIMSOLL_REPO=$repo
"$plimsoll" --quiet backup --uri "$uri" --asset bench --db bench >/dev/null
cp -r "$repo" "$work/good"
python3 - "$work/good" "$repo" "$plimsoll" <<'PY'
import json, os, random, shutil, subprocess, sys, time

good, repo, plimsoll = sys.argv[1:]
seed = random.Random(20261127)
objects = sorted(
    os.path.relpath(os.path.join(folder, name), good)
    for folder, _, names in os.walk(good) for name in names
    if "/dump/" in os.path.join(folder, name))

def flip(key, where=None):
    with open(os.path.join(repo, key), "r+b") as file:
        size = os.path.getsize(file.name)
        at = seed.randrange(size) if where is None else where(size)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << seed.randrange(8))]))

def cut(key):
    with open(os.path.join(repo, key), "r+b") as file:
        file.truncate(os.path.getsize(file.name) - 1)

def grow(key):
    with open(os.path.join(repo, key), "ab") as file:
        file.write(b"\0")

def swap(key):
    other = seed.choice([k for k in objects if k != key])
    shutil.copyfile(os.path.join(good, other), os.path.join(repo, key))

def gone(key):
    os.remove(os.path.join(repo, key))

kinds = {
    "a bit flipped": flip, "its first bit flipped": lambda key: flip(key, lambda size: 0),
    "its last bit flipped": lambda key: flip(key, lambda size: size - 1),
    "cut short by a byte": cut, "grown by a byte": grow, "another's bytes": swap, "gone": gone,
}
missed = 0
for kind, harm in kinds.items():
    found, began = 0, time.monotonic()
    for key in objects:
        harm(key)
    said = subprocess.run([plimsoll, "--quiet", "verify", "--format", "json"], capture_output=True, text=True)
    seconds = time.monotonic() - began
    text = said.stdout + said.stderr
    found = sum(key in text for key in objects)
    missed += len(objects) - found + (said.returncode == 0)
    print(f"  {kind:24} {found} of {len(objects)} objects found, exit {said.returncode}, {seconds:.2f} s")
    for key in objects:
        shutil.copyfile(os.path.join(good, key), os.path.join(repo, key))
clean = subprocess.run([plimsoll, "--quiet", "verify"], capture_output=True, text=True)
print(f"  put right again: exit {clean.returncode}")
sys.exit(missed > 0 or clean.returncode != 0)
PY
