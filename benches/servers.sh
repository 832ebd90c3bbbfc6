# Sourced by the comparisons: real servers for them, in a temporary folder that goes with the script.
#
# Sets `work` (the folder), `cache` (where Plimsoll and .ci/peers keep programs), `plimsoll` and `bulk` (built here), and
# gives start_mongod PORT CACHE_GB, start_s3 (exports where it is and its keys), and timed NAME COMMAND.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll
work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cargo build --quiet --release --bin plimsoll
plimsoll=${CARGO_TARGET_DIR:-$PWD/target}/release/plimsoll
bulk=$(cargo build --quiet --release --bench bulk --message-format=json | grep -o '"executable":"[^"]*bulk-[^"]*"' | tail -1 | cut -d'"' -f4)

# program VARIABLE NAME: as Plimsoll itself looks for it.
program() {
  local found=${!1:-$(command -v "$2" || find "$cache/servers" -name "$2" -type f 2>/dev/null | head -1)}
  [ -x "$found" ] || { echo "no $2: run the demo once, which fetches it, or set $1" >&2; exit 1; }
  echo "$found"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# A replica set of one.
start_mongod() {
  mkdir -p "$work/mongod-$1"
  "$(program PLIMSOLL_MONGOD mongod)" --dbpath "$work/mongod-$1" --port "$1" --bind_ip 127.0.0.1 --nounixsocket \
    --replSet rs0 --oplogSize 4096 --wiredTigerCacheSizeGB "$2" \
    --setParameter diagnosticDataCollectionEnabled=false >"$work/mongod-$1.log" 2>&1 &
  servers+=($!)
  "$bulk" initiate "mongodb://127.0.0.1:$1/?directConnection=true"
}

# SeaweedFS with one user who may do everything.
start_s3() {
  local port
  port=$(free_port)
  export AWS_ACCESS_KEY_ID=bench AWS_SECRET_ACCESS_KEY=bench-secret AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ENDPOINT_URL_S3="http://127.0.0.1:$port" S3_ENDPOINT_URL="http://127.0.0.1:$port"
  cat >"$work/s3.json" <<JSON
{"identities": [{"name": "bench", "credentials": [{"accessKey": "bench", "secretKey": "bench-secret"}],
  "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
  mkdir -p "$work/s3"
  "$(program PLIMSOLL_WEED weed)" -logtostderr mini -ip=127.0.0.1 -ip.bind=127.0.0.1 -webdav=false -admin.ui=false \
    -s3.port="$port" -s3.port.iceberg=0 -s3.port.lance=0 -s3.iam=false -master.volumeSizeLimitMB=1024 -volume.max=200 \
    -s3.autoCreateBucket=false -master.telemetry=false -dir="$work/s3" -s3.config="$work/s3.json" 2>"$work/s3.log" &
  servers+=($!)
  until curl --silent --output /dev/null "$AWS_ENDPOINT_URL_S3"; do
    kill -0 "${servers[-1]}" || { tail -5 "$work/s3.log" >&2; exit 1; }
    sleep 0.2
  done
}

# Appends seconds and peak memory of a command to the file NAME.times.
timed() {
  local name=$1
  shift
  sync
  /usr/bin/time -o "$work/time" -f '%e %M' "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; return 1; }
  cat "$work/time" >>"$work/$name.times"
}

# row TITLE PEER OURS WANTED: the ratios of two such files' seconds, line by line, as a row of a table.
row() {
  paste "$work/$2.times" "$work/$3.times" | awk '{ print $1 / $3, $1, $3, $4 }' | sort -n | awk -v title="$1" -v wanted="$4" '
    { ratio[NR] = $1; peer += $2; mine += $3; if ($4 > memory) memory = $4 }
    END {
      printf "| %-46s | %7.2f s | %7.2f s | %5.2fx (%.2f to %.2f) | %5.2fx | %4.0f MB |\n",
        title, peer / NR, mine / NR, (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2, ratio[1], ratio[NR], wanted, memory / 1024
    }'
}
rows_begin() {
  printf '\n| %-46s | %-9s | %-9s | %-21s | %-6s | %-7s |\n' what peer Plimsoll 'ratio (spread)' wanted memory
  echo '|---|---|---|---|---|---|'
}
