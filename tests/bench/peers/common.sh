# What the comparisons share. Sourced with `root` set to the workspace.

rounds=${ROUNDS:-3}
seconds=${SECONDS_PER_ROUND:-5}
work=$root/target/bench-peers
mkdir -p "$work"
pids=()

# Ends what was started, and nothing else.
cleanup() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap cleanup EXIT
scratch=$(mktemp -d "$work/run.XXXXXX")

# Builds our service as it is released, without what only tests need.
build() {
    cargo build --manifest-path "$root/Cargo.toml" --release --quiet -p connectoid-service --bins >&2
}

# Starts our service on a free port and sets `url`. Its limits are out of the way. Arguments come before the command.
start_ours() {
    "$@" "$root/target/release/connectoid-service" --listen 127.0.0.1:0 --data "$scratch/ours" --log off \
        --requests-per-second 1000000 --box-requests-per-second 100000 >"$scratch/ours.out" &
    pids+=($!)
    until_true grep -q '^listening on ' "$scratch/ours.out"
    url=$(sed 's/^listening on //' "$scratch/ours.out")
}

# Tries a command for 20 s.
until_true() {
    for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    echo "waited in vain: $*" >&2
    exit 1
}

# A port that is free now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
