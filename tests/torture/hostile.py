"""Hostile input: libFuzzer over the targets of tests/fuzz, each with a corpus that it keeps."""
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
TARGETS = sorted(path.stem.removeprefix("fuzz_") for path in (TREE / "tests/fuzz").glob("fuzz_*.c"))
VECTORS, REGRESSIONS = TREE / "tests/vectors", TREE / "tests/fuzz/regressions"
MAX_BYTES = {"wav": 65536, "fragment": 16384, "json": 16384, "topic": 512}  # else 4096
CORPUS_FILES = 4000  # more are cut down to those that reach something of their own
OPTIONS = ("-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=64", "-print_final_stats=1")
ENV = {
    "CMOCKA_TEST_ABORT": "1",  # an assertion that fails outside a test
    "ASAN_OPTIONS": "detect_leaks=1:quarantine_size_mb=16:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


def tree_of(build):
    """The tree that the build lies in: a mutant's is a copy."""
    return next(folder for folder in Path(build).resolve().parents if (folder / "Makefile").exists())


def make(build):
    """Build the targets, warnings being errors, or see that they are there."""
    tree = tree_of(build)
    relative = Path(build).resolve().relative_to(tree)
    made = subprocess.run(
        ["make", "-C", tree, "-j2", "CI=1", f"BUILD={relative}", "fuzz"],
        capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")})
    assert made.returncode == 0, f"the fuzz targets do not build:\n{made.stdout}{made.stderr}"


# --- seeds: the golden messages, in the form that each target takes ---

def enveloped(payload, properties):
    """See fuzz_fragment.h."""
    lines = "\n".join(f"{name}={value}" for name, value in properties.items()).encode()[:255]
    return bytes([0, len(lines)]) + lines + payload


def spool_records():
    lane = (1).to_bytes(4, "little") + b"mic1".ljust(65, b"\0") + b"s1".ljust(65, b"\0") + bytes(62)
    fragment = bytes([1, 0, 0, 0, 8, 0, 0, 0]) + bytes(20) + b"payload"
    for kind, body in ((1, lane), (2, fragment)):
        yield b"RSP1" + bytes(8) + kind.to_bytes(4, "little") + len(body).to_bytes(4, "little") + body


def other_seeds(target):
    """Those that no golden message is."""
    if target == "guard":  # each head, and nothing behind it
        yield from (bytes([head]) for head in range(256))
    if target == "topic":
        for topic in ("audio/mic1", "audio/mic1/s1", "upload/mic1/s1.wav", "request/list",
                      "request/list/mic1", "status/sink", "reply/mic1/a", "response/list/mic1"):
            for choice in (b"\0", b"\1"):
                yield choice + f"reel/v1/{topic}".encode()
    if target == "request":
        for text in ('{"device":"mic1","session":"s","state":"complete","min_duration":1,"since":'
                     '"2024-05-01T08:00:00Z","tags":{"a":1},"sort":"-name","limit":3,"count":true}',
                     '{"device":"mic1","session":"s1","from":0.5,"to":1,"format":"raw"}',
                     '{"device":"mic1","session":"s1","offset":64,"length":1000,"block_size":7}',
                     '{"device":"mic1","session":"s1","blocks":[0,2],"block_size":1024}',
                     '{"code":"conflict","limit":1,"device":"mic1"}'):
            yield b"\0" + text.encode()
    if target == "recording":
        generator = random.Random(1)
        for size in (40, 200, 600, 1200):
            yield generator.randbytes(size)
    if target == "records":
        yield from (b"\0" + record for record in spool_records())


def vector_seed(target, name, payload, properties):
    """The golden message as the target takes it; None where it is none for it."""
    if target == "guard":
        return payload if name.endswith(".msgpack") else None
    if target in ("fragment", "json", "wav"):
        form = {"fragment": ".msgpack", "json": ".json", "wav": ".wav"}[target]
        return enveloped(payload, properties) if name.endswith(form) else None
    if target == "request":
        return b"\0" + payload if len(payload) <= 4096 and not name.endswith(".wav") else None
    if target == "records":
        choice = 1 if name.endswith(".wav") else 2 if "-ack" in name else None
        return None if choice is None else bytes([choice]) + payload[:4000]
    return None


def seeds(target):
    for expected in VECTORS.glob("*.expect.json"):
        name = expected.name.removesuffix(".expect.json")
        properties = json.loads(expected.read_text()).get("properties", {})
        for path in VECTORS.glob(f"{name}.*"):
            if path != expected:
                seed = vector_seed(target, path.name, path.read_bytes(), properties)
                if seed is not None:
                    yield seed
    yield from other_seeds(target)
    for path in sorted((REGRESSIONS / target).glob("*")):
        yield path.read_bytes()


def sow(target, corpus):
    """Put the seeds into the corpus; those that libFuzzer replaced come again, which is cheap."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(target)):
        (corpus / f"seed-{number:03}").write_bytes(seed)


# --- runs ---

@dataclass
class Run:
    target: str
    status: int
    cpu_s: float
    log: str


def execute(build, target, folder, arguments):
    """Run the target's program; its CPU time is what the kernel counted."""
    program = Path(build).resolve() / "fuzz" / target
    log = folder / f"{target}.log"
    with log.open("wb") as out:
        child = subprocess.Popen([program, *OPTIONS, *arguments], cwd=TREE, env=os.environ | ENV,
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(errors="replace")
    return Run(target, child.returncode, usage.ru_utime + usage.ru_stime, text)


def findings_of(run, artifacts):
    """What a run found: the input's file, and what the program said of it."""
    if run.status == 0:
        return []
    said = [line for line in run.log.splitlines() if "ERROR" in line or "SUMMARY" in line
            or "runtime error" in line or "assert" in line]
    kept = sorted(path.name for path in artifacts.glob(f"{run.target}-*"))
    return [f"{run.target}: exit status {run.status}, {', '.join(kept) or 'no file'}: "
            + " | ".join(line.strip() for line in said[:4])]


def fuzz(build, target, folder, seconds):
    """Fuzz for so long, on the corpus under `folder`; return the run and its findings."""
    folder = Path(folder).resolve()
    corpus, artifacts = folder / "corpus" / target, folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    sow(target, corpus)
    run = execute(build, target, folder, [
        f"-max_len={MAX_BYTES.get(target, 4096)}", f"-max_total_time={seconds}",
        f"-dict={TREE}/tests/fuzz/words.dict", f"-artifact_prefix={artifacts}/{target}-", corpus])
    return run, findings_of(run, artifacts)


def reduce(build, target, folder):
    """Keep of a large corpus what reaches something of its own."""
    folder = Path(folder).resolve()
    corpus = folder / "corpus" / target
    if sum(1 for _ in corpus.iterdir()) <= CORPUS_FILES:
        return
    smaller = folder / "corpus" / f"{target}.smaller"
    shutil.rmtree(smaller, ignore_errors=True)
    smaller.mkdir()
    run = execute(build, target, folder, ["-merge=1", smaller, corpus])
    if run.status == 0 and any(smaller.iterdir()):
        shutil.rmtree(corpus)
        smaller.rename(corpus)
    else:
        shutil.rmtree(smaller)


def replay(build, target):
    """Every seed and regression once; findings."""
    with tempfile.TemporaryDirectory(prefix="torture-hostile-") as folder:
        folder = Path(folder)
        sow(target, folder / "corpus" / target)
        run = execute(build, target, folder, [
            "-runs=0", f"-artifact_prefix={folder}/{target}-", folder / "corpus" / target])
        return findings_of(run, folder)


class Hostile:
    """Those targets that had the least time, as many at once as there are cores."""

    figures = "corpora and 5 s each", "20 CPU-minutes each", "24 CPU-hours each"
    unit = f"CPU-minutes, the least of {len(TARGETS)} targets"
    seconds = 60

    @staticmethod
    def reached(state):
        spent = state.get("cpu_s", {})
        return f"{min(spent.get(target, 0) for target in TARGETS) / 60:,.1f}"

    def step(self, step):
        make(step.build)
        spent = step.state.setdefault("cpu_s", {})
        chosen = sorted(TARGETS, key=lambda target: spent.get(target, 0))[:os.cpu_count() or 1]
        seconds = int(max(1, min(self.seconds, step.deadline - time.monotonic())))
        findings = []
        with ThreadPoolExecutor(len(chosen)) as pool:
            for run, found in pool.map(
                    lambda target: fuzz(step.build, target, step.folder, seconds), chosen):
                spent[run.target] = spent.get(run.target, 0) + run.cpu_s
                findings += found
            list(pool.map(lambda target: reduce(step.build, target, step.folder), chosen))
        return findings

    @staticmethod
    def look(build):
        make(build)
        return [line for target in TARGETS for line in replay(build, target)]
