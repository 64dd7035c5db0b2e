#!/usr/bin/env bash
# Deliveries per second: this service against magic-wormhole's mailbox server, on this machine, in turns.
# Both write each message to disk before they go on, and ours lets messages that arrive together share a flush: so
# the ratio depends on how fast the disk is, which `disk_flush_ms` says. A delivery is three requests here and one
# frame there. Prints one JSON object; everything else goes to standard error.
# Needs cargo and python3; installs the other server into target/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
source "$here/../common.sh"
pairs=16

build
cargo build --manifest-path "$root/Cargo.toml" --release --quiet -p connectoid-service --example deliveries >&2
venv=$work/venv
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    python3 -m venv --clear "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/installed.txt"
fi

start_ours
port=$(free_port)
(cd "$scratch" && exec "$venv/bin/twist" wormhole-mailbox --port "tcp:$port:interface=127.0.0.1" \
    --channel-db "$scratch/theirs.sqlite") >"$scratch/theirs.log" 2>&1 &
pids+=($!)
until_true bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"

deliveries=$root/target/release/examples/deliveries
for _ in $(seq "$rounds"); do
    "$deliveries" connectoid "$url" "$pairs" "$seconds" >>"$scratch/ours.json"
    "$deliveries" wormhole "ws://127.0.0.1:$port/v1" "$pairs" "$seconds" >>"$scratch/theirs.json"
done

"$venv/bin/python" - "$scratch/ours.json" "$scratch/theirs.json" "$scratch/flush" <<'PYTHON'
import json, os, statistics, sys, time

def rounds(path, field):
    return [json.loads(line)[field] for line in open(path)]

def median(path, field):
    return statistics.median(rounds(path, field))

def flush(file):
    start = time.perf_counter()
    os.write(file, bytes(4096))
    os.fdatasync(file)
    return (time.perf_counter() - start) * 1000

ours, theirs = (median(path, "per_second") for path in sys.argv[1:3])
file = os.open(sys.argv[3], os.O_CREAT | os.O_WRONLY)
print(json.dumps({
    "metric": "mailbox deliveries per second, 16 pairs, against magic-wormhole-mailbox-server",
    "ours": ours,
    "theirs": theirs,
    "ratio": round(ours / theirs, 2),
    "ours_p50_ms": round(median(sys.argv[1], "p50_ms"), 2),
    "theirs_p50_ms": round(median(sys.argv[2], "p50_ms"), 2),
    "ours_rounds": rounds(sys.argv[1], "per_second"),
    "theirs_rounds": rounds(sys.argv[2], "per_second"),
    "disk_flush_ms": round(statistics.median(flush(file) for _ in range(50)), 2),
}))
PYTHON
