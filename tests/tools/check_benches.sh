#!/bin/bash
# The benches run, for a moment and on the disk that the build is on, and leave nothing behind: not
# where they fail either.
set -euo pipefail
cd "$(dirname "$0")/../.."
benches=${REEL_BUILD:-build}/tests/bench
folder=$(mktemp -d "${REEL_BUILD:-build}/check-benches-XXXXXX")
trap 'rm -rf "$folder"' EXIT

left_nothing() {
    [ -z "$(ls -A "$folder")" ] || { echo "$1 left behind: $(ls -A "$folder")"; exit 1; }
}

"$benches/bench_sync" "$folder" 3 2
left_nothing bench_sync
# Some file systems (overlay, tmpfs) are on no one block device, whose figures bench_commit reads.
if [ -e "/sys/dev/block/$(stat -c %Hd:%Ld "$folder")/stat" ]; then
    "$benches/bench_commit" "$folder" 2 1
    left_nothing bench_commit
fi

# No file may grow beyond 16 KiB.
for bench in bench_sync bench_commit; do
    if (trap '' XFSZ; ulimit -f 16; exec "$benches/$bench" "$folder" >/dev/null); then
        echo "$bench did not fail"
        exit 1
    fi
    left_nothing "$bench, failing,"
done
