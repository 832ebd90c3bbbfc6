#!/usr/bin/env bash
# The simulation of PixelCraft's whole plan against the same model in vectorised numpy, in turn: incidents a second with
# their spread, the ratio, and that both expect the same annual loss.
#
#   benches/sim.sh [YEARS] [ROUNDS]      3000000 and 5 by default
#
# Needs Python 3 with venv; numpy is installed into a folder of its own, outside the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
years=${1:-3000000} rounds=${2:-5}
python=${XDG_CACHE_HOME:-$HOME/.cache}/plimsoll/peers/numpy

if [ ! -x "$python/bin/python" ]; then
  python3 -m venv "$python"
  "$python/bin/pip" install --quiet "numpy>=2,<3"
fi
cargo build --quiet --bench sim --release
bench=$(cargo build --quiet --bench sim --release --message-format json |
  python3 -c 'import json,sys; print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable") and m["target"]["name"] == "sim"][-1])')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for _ in $(seq "$rounds"); do
  "$bench" "$years" 1 >>"$work/ours"
  "$python/bin/python" benches/sim_numpy.py "$((years / 3))" 1 >>"$work/numpy"
done
python3 - "$work/ours" "$work/numpy" <<'PY'
import json, statistics, sys

def read(path):
    lines = [json.loads(line) for line in open(path)]
    return lines, [line["incidents"] / line["seconds"] / 1e6 for line in lines]

(ours, fast), (numpy, slow) = map(read, sys.argv[1:])
for name, speeds, lines in (("plimsoll", fast, ours), ("numpy", slow, numpy)):
    middle = statistics.median(speeds)
    print(f"{name:9} {middle:7.2f} M incidents/s  ({min(speeds):.2f} to {max(speeds):.2f}, {len(speeds)} rounds, "
          f"{lines[0]['threads']} threads)  expects {lines[0]['expected']:,.2f} ± {lines[0]['standard_error']:,.2f} a year")
ratios = [a / b for a, b in zip(fast, slow)]
print(f"ratio     {statistics.median(ratios):7.2f}                ({min(ratios):.2f} to {max(ratios):.2f})")
away = abs(ours[0]["expected"] - numpy[0]["expected"])
error = (ours[0]["standard_error"] ** 2 + numpy[0]["standard_error"] ** 2) ** 0.5
print(f"the two differ by {away / error:.1f} standard errors")
sys.exit(away > 4 * error)
PY
