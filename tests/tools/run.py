#!/usr/bin/python3
"""A broker and a sink in the foreground, to play with; Ctrl-C stops both.

Environment: PORT (default 1883 if free), BIND (default 127.0.0.1; anything else needs PASSWORD),
PASSWORD (of the user `reel`). Recordings stay in build/run from one time to the next.
"""
import argparse
import os
import shlex
import socket
import sys
import time
from pathlib import Path
from urllib.parse import quote

from lab import TREE, Broker, NotReady, Sink, free_port, port_is_free
from show import bold, dim, fail, good, say, stop_on_signals

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Refused(Exception):
    """What the person asked for cannot be done."""


def choose_port(bind):
    given = os.environ.get("PORT")
    if given is None:
        return 1883 if port_is_free(1883, bind) else free_port(bind)
    if not given.isdigit() or not 0 < int(given) < 65536:
        raise Refused(f"PORT={given} is no port")
    if not port_is_free(int(given), bind):
        raise Refused(f"port {given} is taken; PORT=... names another")
    return int(given)


def choose_bind():
    bind = os.environ.get("BIND", "127.0.0.1")
    if bind not in LOOPBACK and not os.environ.get("PASSWORD"):
        raise Refused(f"BIND={bind} lets others in: choose a PASSWORD=... too")
    return "127.0.0.1" if bind in LOOPBACK else bind


def address_on_the_net(bind):
    """The address that others reach this machine by."""
    if bind != "0.0.0.0":
        return bind
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only chooses the way
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


def tell(broker, sink, reel, password):
    """What to type next."""
    where = ["-h", broker.bind] if broker.bind not in ("127.0.0.1", "0.0.0.0") else []
    where += ["-p", str(broker.port)] if broker.port != 1883 else []
    who = ["-u", "reel", "-P", password] if password else []
    options = shlex.join(where + who)
    options = f" {options}" if options else ""
    reel = os.path.relpath(reel)
    good(f"mosquitto listens on {broker.bind}:{broker.port}, reeld records into {sink.store}")
    say()
    say(bold("In another terminal:"))
    for line, what in [
        (f"{reel} publish{options} --device me /usr/share/sounds/alsa/*.wav", "recorded speech"),
        (f"arecord -q -f S16_LE -r 16000 | {reel} publish{options} --device me -", "a microphone"),
        (f"{reel} list{options}", "what there is"),
        (f"{reel} get{options} me Front_Center", "one of them back"),
        (f"{reel} watch{options}", "what happens"),
        (f"mosquitto_sub{options} -v -t 'reel/v1/event/#'", "without our programs"),
    ]:
        say(f"  {line.ljust(64)}  {dim('# ' + what)}")
    if broker.bind != "127.0.0.1":
        say()
        say(bold("A device on the net publishes to:"))
        host, secret = address_on_the_net(broker.bind), quote(password, safe="")
        say(f"  mqtt://reel:{secret}@{host}:{broker.port}   topic reel/v1/audio/DEVICE/SESSION")
    say()
    say("Ctrl-C stops both.")


def serve(build, folder):
    bind, password = choose_bind(), os.environ.get("PASSWORD")
    settings = {}
    if password:
        secret = folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        settings = {"broker.username": "reel", "broker.password_file": secret}
    for log in (folder / "run.log", folder / "broker" / "mosquitto.log"):
        log.unlink(missing_ok=True)
    users = {"reel": password} if password else None
    log_types = ("error", "warning", "notice")
    port = choose_port(bind)
    with Broker(folder / "broker", port, bind, users, log_types=log_types) as broker:
        with Sink(build, folder, broker, settings, name="run") as sink:
            tell(broker, sink, Path(TREE, build, "reel"), password)
            while broker.program.running() and sink.program.running():
                time.sleep(0.2)
            raise NotReady(f"one of them ended by itself:\n{(sink.log() or broker.log())[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="where the programs are")
    parser.add_argument("--folder", help="where recordings and logs go (BUILD/run)")
    arguments = parser.parse_args()
    build = arguments.build
    folder = Path(arguments.folder or Path(TREE, build, "run"))
    folder.mkdir(parents=True, exist_ok=True)
    stop_on_signals()
    try:
        serve(build, folder)
    except KeyboardInterrupt:
        print("\n   stopped", flush=True)
        return 0
    except (Refused, AssertionError, OSError) as error:
        fail(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
