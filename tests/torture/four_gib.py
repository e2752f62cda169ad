"""The pass of 4 GiB: the sink killed at its calls on a recording that outgrows 32 bits, RIFF becoming
RF64. tests/broker/test_past_4_gib.py meets some calls of some formats; here it is any."""
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "broker"))
from labs import Lab  # noqa: E402
from test_past_4_gib import FORMATS, SIZE, begun, copy_sparse, killed_at, most_plain  # noqa: E402

CALLS = ("pwrite64", "pwritev", "fdatasync", "fsync")
NTH_MOST = 8


def passes(build, folder, generator, deadline):
    """One format, killed on the way at one call after the other. Returns kills reached."""
    form = generator.choice(FORMATS)
    first = Lab(folder / "first", build=build)
    first.sink.start()
    begun(first, form, most_plain(form) - SIZE)
    first.close()
    reached = 0
    for number in range(2):
        call, nth = generator.choice(CALLS), generator.randint(1, NTH_MOST)
        lab = Lab(folder / str(number), build=build)
        shutil.copytree(first.sink.store, lab.sink.store, copy_function=copy_sparse)
        try:
            what = f"{call}:signal=KILL:when={nth}"
            reached += killed_at(lab, form, what, folder / f"trace{number}")
        finally:
            lab.close()
            shutil.rmtree(lab.sink.store)
        if time.monotonic() > deadline:
            break
    return reached


def run(build, times, seed, deadline):
    """Kills reached, and findings."""
    generator, reached = random.Random(seed), 0
    while reached < times and time.monotonic() < deadline:
        with tempfile.TemporaryDirectory(prefix="torture-4gib-") as folder:
            try:
                reached += passes(build, Path(folder), generator, deadline)
            except AssertionError as error:
                return reached, [str(error)]
    return reached, []
