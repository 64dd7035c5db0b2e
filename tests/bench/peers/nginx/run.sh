#!/usr/bin/env bash
# Empty checks per second of one core: this service against nginx with a fixed reply, on this machine, in turns.
# 32 kept-alive connections; the server on the first core, wrk on the second. Prints one JSON object; everything
# else goes to standard error. Needs cargo, python3, taskset, nginx and wrk.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
source "$here/../common.sh"
for tool in nginx wrk taskset; do
    command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 1; }
done

build
start_ours taskset -c 0
port=$(free_port)
sed -e "s|@PORT@|$port|" -e "s|@SCRATCH@|$scratch|" "$here/nginx.conf" >"$scratch/nginx.conf"
taskset -c 0 nginx -c "$scratch/nginx.conf" -e "$scratch/nginx.log" &
pids+=($!)
until_true bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"

per_second() {
    taskset -c 1 wrk -t1 -c32 -d"${seconds}s" -s "$here/check.lua" "$1" | tee -a "$scratch/wrk.log" |
        awk '/Non-2xx/ { bad = 1 } /^Requests\/sec:/ { rate = $2 } END { if (bad) exit 1; print rate }'
}
for _ in $(seq "$rounds"); do
    per_second "$url/" >>"$scratch/ours.txt"
    per_second "http://127.0.0.1:$port/" >>"$scratch/theirs.txt"
done
cat "$scratch/wrk.log" >&2

python3 - "$scratch/ours.txt" "$scratch/theirs.txt" <<'PYTHON'
import json, statistics, sys

ours, theirs = (statistics.median(map(float, open(path))) for path in sys.argv[1:])
print(json.dumps({
    "metric": "empty checks per second of one core, 32 connections, against nginx with a fixed reply",
    "ours": round(ours),
    "theirs": round(theirs),
    "ratio": round(ours / theirs, 2),
}))
PYTHON
