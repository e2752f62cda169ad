"""Bytes written to the disk for each byte of audio, by how often the sink commits."""
import json
import os
import subprocess

from measure import median
from row import Row

RECORDINGS = 20
DEFAULT_MS, RARE_MS = 1000, 5000
MOST = {
    (16000, DEFAULT_MS): 1.6,
    (48000, DEFAULT_MS): 1.25,
    (16000, RARE_MS): 1.2,
    (48000, RARE_MS): 1.1,
}  # by rate in Hz and interval
CANNOT = 77
# Nobody else writes to a file system of its own, and its mount, in a namespace of its own, goes
# with the program, however that ends.
ON_ITS_OWN = f"""
folder=$1; shift
mkdir "$folder/mnt" && truncate -s 2G "$folder/image" && mkfs.ext4 -q "$folder/image" &&
mount -o loop "$folder/image" "$folder/mnt" || exit {CANNOT}
exec "$@"
"""


def on_its_own(folder, program, load):
    """Simulated minutes on an ext4 of its own; None where none may be mounted."""
    alone = ["unshare", "--mount"]
    if os.geteuid() != 0 or subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        return None
    command = [*alone, "sh", "-c", ON_ITS_OWN, "sh", folder, program, folder / "mnt", *load]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    return None if done.returncode == CANNOT else lines_of(done)


def on_the_disk(folder, program, load):
    """The same beside what others write; None where the kernel does not say how much that is."""
    device = os.stat(folder).st_dev
    if not os.path.exists(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat"):
        return None
    command = [str(word) for word in (program, folder, *load)]
    return lines_of(subprocess.run(command, capture_output=True, text=True))


def lines_of(done):
    """What the program says of each rate and interval. It has compared every file with what it
    sent, and asked the catalog."""
    if done.returncode != 0:
        raise RuntimeError(f"bench_commit: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def a_round(bench):
    load = [RECORDINGS, bench.sized(60, 2), DEFAULT_MS, RARE_MS]
    for measured in (on_its_own, on_the_disk):
        with bench.folder("written") as folder:
            lines = measured(folder, bench.program("commit"), load)
        if lines:
            return lines
    return []


def row(rate_hz, interval_ms, figures):
    most = MOST[rate_hz, interval_ms]
    what = (f"written to the disk for a byte of audio, {RECORDINGS} recordings of "
            f"{rate_hz // 1000} kHz, a commit every {interval_ms // 1000} s")
    if not figures["bytes"]:
        return Row(what, f"at most {most}", "this disk does not say", False, figures)
    written = median(figures["bytes"])
    return Row(what, f"at most {most}", f"{written:.2f}", written <= most, figures)


def measure(bench):
    """The journal counts, and all else that reaches the device."""
    rounds = [a_round(bench) for _ in range(bench.rounds)]
    rows = []
    for rate_hz, interval_ms in MOST:
        own = [line for lines in rounds for line in lines
               if (line["rate_hz"], line["interval_ms"]) == (rate_hz, interval_ms)]
        figures = {name: [line[name] for line in own]
                   for name in ("bytes", "header_bytes", "catalog_bytes", "commits_per_s")}
        rows.append(row(rate_hz, interval_ms, figures))
    return rows
