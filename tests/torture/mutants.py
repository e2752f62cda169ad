"""Mutants: the product broken on purpose, in a copy. The fault that each is for must notice it."""
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """`old`, which stands in `file` once, becomes `new`; so it is with each (file, old, new) of
    `also`, where one guard stands behind another. `noticed_by` names the fault (faults.py)."""

    name: str
    file: str
    old: str
    new: str
    noticed_by: str
    also: tuple = ()

    def places(self):
        return (self.file, self.old, self.new), *self.also


MUTANTS = (
    Mutant("acknowledges before the commit", "src/daemon/ingest_batch.c",
           "    if (reel_store_commit(ingest->store,",
           "    if (ingest->bus) {\n"
           "        reel_acks_publish(ingest->acks, ingest->bus, ingest->links.log);\n"
           "        reel_bus_write(ingest->bus);\n"
           "    }\n"
           "    if (reel_store_commit(ingest->store,",
           "kill at each call"),
    Mutant("takes a repeat for one without comparing", "src/daemon/ingest_decide.c",
           "    if (placement->compare && compare(",
           "    if (0 && compare(",
           "kill"),
    Mutant("takes a failed sync for a good one", "src/store/wav_files.c",
           "sync_all(files, err_out) != REEL_OK",
           "sync_all(files, err_out) == REEL_E_NOT_FOUND",
           "failing call"),
    Mutant("skips the sync of files", "src/store/wav_files.c",
           "    if (files->dirty_count + files->folders_count > 0 &&",
           "    if (files->dirty_count == SIZE_MAX &&",
           "power cut"),
    Mutant("skips the sync of a folder", "src/store/disk.c",
           "    code = sync_fd(fd, name, err_out);\n    close(fd);\n",
           "    code = REEL_OK;\n    close(fd);\n",
           "power cut"),
    Mutant("names a new file before its header is synced", "src/store/wav_files.c",
           "    if (settle(files, err_out) != REEL_OK || name_new(",
           "    if (name_new(files, err_out) != REEL_OK || name_new(",
           "power cut"),
    Mutant("trusts a row that was not synced", "src/store/home.c",
           "        code = reel_catalog_checkpoint(home->catalog, err_out);\n",
           "        code = REEL_OK;\n",
           "power cut",
           also=(("src/store/catalog_log.c", "    if (bytes == 0)\n", "    if (bytes > 0)\n"),)),
    Mutant("forgets what it has sent before it is acknowledged", "src/cli/outbox.c",
           "    reel_ring_run(&outbox->ring, now_us);\n",
           "    reel_ring_run(&outbox->ring, now_us);\n"
           "    while (reel_ring_drop_oldest(&outbox->ring))\n"
           "        continue;\n",
           "network"),
    Mutant("tries a failed sync again", "src/store/wav_files.c",
           "    if (result == 0)\n",
           "    if (result == 0 || fdatasync(wav->fd) == 0)\n",
           "failing call"),
    Mutant("ends where the disk is full at the start", "src/daemon/sink.c",
           "reel_error_may_pass(error)",
           "0",
           "disk full"),
    Mutant("takes for idle what the wall clock says", "src/io/loop.c",
           "    return clock_us(CLOCK_MONOTONIC);",
           "    return clock_us(CLOCK_REALTIME);",
           "clock"),
    Mutant("takes long acknowledgements for short ones", "src/core/describe.c",
           "    return PLAIN_BYTES + ranges * RANGE_BYTES;",
           "    return PLAIN_BYTES + 0 * ranges * RANGE_BYTES;",
           "exhaustion"),
    Mutant("installs an upload before the catalog's commit", "src/store/store_commit.c",
           "    code = reel_uploads_save(store->uploads, catalog, err_out);\n",
           "    code = reel_uploads_install(store->uploads, err_out);\n"
           "    if (code == REEL_OK)\n"
           "        code = reel_uploads_save(store->uploads, catalog, err_out);\n",
           "life, power cut"),
    Mutant("does not sync what it made of an upload", "src/store/upload_convert.c",
           "    return fdatasync(converting->made_fd) == 0\n",
           "    return converting->made_fd >= 0\n",
           "life, power cut"),
    Mutant("forgets the numbers of what was deleted", "src/core/tombstone.c",
           "    if (!add_boots(recording, &tombstone)) {\n",
           "    if (0 && !add_boots(recording, &tombstone)) {\n",
           "life"),
    Mutant("leaves the file of what was deleted", "src/store/removed.c",
           "    if (renameat(root_fd, name, root_fd, temporary) == 0)\n"
           "        return REEL_OK;\n"
           "    return unlink_name(root_fd, name, err_out);\n",
           "    return REEL_OK;\n",
           "life at each call"),
    Mutant("removes what an upload replaces first", "src/store/store_commit.c",
           "    code = reel_uploads_save(store->uploads, catalog, err_out);\n",
           "    code = reel_catalog_commit(catalog, err_out);\n"
           "    if (code == REEL_OK)\n"
           "        code = reel_catalog_begin(catalog, err_out);\n"
           "    if (code == REEL_OK)\n"
           "        code = reel_uploads_save(store->uploads, catalog, err_out);\n",
           "life at each call"),
    Mutant("nests as deep as a stranger likes", "src/wire/guard.c",
           "        if (depth == REEL_NESTING_MAX)\n",
           "        if (0)\n",
           "hostile input"),
    Mutant("reads numbers past the end", "src/wire/guard.c",
           "        if (!head->valid || (size_t)(reader->end - at) < head->width)\n",
           "        if (!head->valid)\n",
           "hostile input"),
)


def patch(mutant, folder):
    """Break the copy of the file in `folder`; the text must stand in it exactly once."""
    for file, old, new in mutant.places():
        text = Path(folder, file).read_text()
        assert text.count(old) == 1, f"{file} has changed: {mutant.name} finds no place"
        Path(folder, file).write_text(text.replace(old, new))


def build(mutant, folder, build_dir):
    """Build reeld and reel with the mutation, from the objects of `build_dir`; return the new
    build's absolute path."""
    folder = Path(folder)
    for name in ("src", "include", "schemas", "tests", "Makefile"):
        subprocess.run(["cp", "-a", TREE / name, folder], check=True)
    for name in ("obj", "gen", "libreel.a", "store.a", "io.a", "tests/torture", "fuzz"):
        target = folder / build_dir / name
        if not (TREE / build_dir / name).exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", TREE / build_dir / name, target], check=True)
    patch(mutant, folder)
    made = subprocess.run(
        ["make", "-C", folder, f"BUILD={build_dir}", f"{build_dir}/reeld", f"{build_dir}/reel"],
        capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")})
    assert made.returncode == 0, f"{mutant.name} does not build:\n{made.stdout}{made.stderr}"
    return folder / build_dir
