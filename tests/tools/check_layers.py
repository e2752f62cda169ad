#!/usr/bin/python3
"""Fail where a file includes what stands above its layer.

check_layers.py [TREE]       check the tree (default: the one this file is in)
check_layers.py --self-test  plant each kind of violation in a tree made for it and see it found
"""
import re
import sys
import tempfile
from pathlib import Path

# A layer may include itself and what it names here.
BELOW = {
    "base": "",
    "wire": "base",
    "core": "base wire",
    "store": "base wire core",
    "io": "base wire core",
    "daemon": "base wire core store io",
    "cli": "base wire core store io",
}
# Tests of the pure library see no more than it.
TESTS_SEE = {
    "unit": "base wire core unit",
    "store": "base wire core store",
}
# A library's header, and the only files that may know it (prefix of the path without suffix).
KNOWN_ONLY_TO = {
    "mosquitto.h": "io/bus",
    "openssl/": "io/bus_tls",
    "sqlite3.h": "store/catalog",
    "sndfile.h": "store/import",
    "ini.h": "daemon/config",
    "systemd/": "daemon/",
}
# Other programs' eyes on what the layer made.
TESTS_CHECK_WITH = {"store": ("sndfile.h",)}
# No I/O, clock or log in the pure layers (base holds the log itself).
PURE = ("wire", "core")
IMPURE = re.compile(
    r"^(unistd|fcntl|poll|signal|pthread|threads|syslog|dirent)\.h$|^sys/|^base/log\.h$"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """Yield (line number, quoted, name) of each #include of a file."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found[1] == '"', found[2]


def allowed_layers(kind, layer):
    return (BELOW[layer] + " " + layer if kind == "src" else TESTS_SEE[layer]).split()


def complaint(kind, layer, stem, quoted, name):
    """Say what is wrong with one #include, or None. `stem` is the file, "io/bus"."""
    if quoted and "/" not in name:
        return "is not written as layer/file.h"
    top = name.split("/")[0]
    if top in BELOW and top not in allowed_layers(kind, layer):
        return f"stands above {layer} or beside it"
    for header, owner in KNOWN_ONLY_TO.items():
        if kind == "tests" and name in TESTS_CHECK_WITH.get(layer, ()):
            continue
        if name.startswith(header) and not (kind == "src" and stem.startswith(owner)):
            return f"is known only to {owner}*"
    if kind == "src" and layer in PURE and IMPURE.match(name):
        return f"does not belong into {layer}, which is pure"
    return None


def check_public(tree):
    """Headers for recorder firmware use nothing but the language's own and each other."""
    for path in sorted(tree.glob("include/reel/*.h")):
        for number, quoted, name in includes(path):
            if name.startswith("reel/") or (not quoted and "/" not in name):
                continue
            yield f"{path.relative_to(tree)}:{number}: {name} is not for recorder firmware"


def check(tree):
    """Return the complaints about a tree, one line each, and how many files were read."""
    complaints, files = list(check_public(tree)), 0
    places = [("src", layer, tree / "src" / layer) for layer in BELOW]
    places += [("tests", layer, tree / "tests" / layer) for layer in TESTS_SEE]
    for kind, layer, folder in places:
        for path in sorted(folder.glob("*.[ch]")):
            files += 1
            for number, quoted, name in includes(path):
                why = complaint(kind, layer, f"{layer}/{path.stem}", quoted, name)
                if why:
                    complaints.append(f"{path.relative_to(tree)}:{number}: {name} {why}")
    for folder in sorted((tree / "src").iterdir()):
        if folder.name not in BELOW:
            complaints.append(f"src/{folder.name}: not a layer")
    return complaints, files


GOOD = {
    "src/base/err.h": "#include <stddef.h>",
    "src/wire/topic.c": '#include "wire/topic.h"\n#include "base/err.h"\n#include "reel/topic.h"',
    "src/store/catalog_list.c": "#include <sqlite3.h>",
    "src/store/import.c": "#include <sndfile.h>",
    "src/io/bus.c": "#include <mosquitto.h>\n#include <sys/socket.h>",
    "src/daemon/reeld.c": '#include "store/store.h"\n#include "io/bus.h"',
    "src/cli/reel.c": '#include "store/import.h"',
    "include/reel/topic.h": "#include <stdint.h>",
    "tests/unit/test_topic.c": '#include <cmocka.h>\n#include "wire/topic.h"',
    "tests/store/test_wav.c": '#include <sndfile.h>\n#include "store/wav.h"',
}
BAD = {
    "src/base/err.h": '#include "wire/topic.h"',
    "src/wire/topic.c": '#include "core/place.h"',
    "src/wire/json.c": '# include "base/log.h"',
    "src/core/place.c": "#include <unistd.h>",
    "src/core/view.c": '#include "view.h"',
    "src/store/store.c": '#include "io/bus.h"',
    "src/store/wav.c": "#include <sndfile.h>",
    "src/io/loop.c": '#include "store/store.h"',
    "src/io/wire.c": "#include <mosquitto.h>",
    "src/daemon/query.c": '#include "cli/client.h"',
    "src/daemon/list.c": "#include <sqlite3.h>",
    "src/cli/cmd_get.c": '#include "daemon/config.h"',
    "src/util/misc.c": "",
    "include/reel/topic.h": '#include "base/err.h"',
    "tests/unit/test_topic.c": '#include "store/store.h"',
    "tests/unit/test_wav_header.c": "#include <sndfile.h>",
    "tests/store/test_catalog.c": "#include <sqlite3.h>",
}


def plant(files):
    folder = tempfile.TemporaryDirectory()
    for name, text in files.items():
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


def self_test():
    with plant(GOOD) as folder:
        complaints, _ = check(Path(folder))
        assert complaints == [], complaints
    for name, text in BAD.items():
        with plant(GOOD | {name: text}) as folder:
            complaints, _ = check(Path(folder))
            where = str(Path(name).parent) if not text else name
            assert len(complaints) == 1 and complaints[0].startswith(where), (name, complaints)
    print(f"{len(BAD)} violations planted, {len(BAD)} found")


def main():
    if "--self-test" in sys.argv:
        self_test()
        return 0
    tree = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
    complaints, files = check(tree)
    print("\n".join(complaints) if complaints else f"{files} files, each in its layer")
    return 1 if complaints or not files else 0


if __name__ == "__main__":
    sys.exit(main())
