#!/usr/bin/python3
"""journal_socket.py OUT COMMAND...: run a command as systemd would, its standard error the journal.

In name spaces of its own, /run is another file system, with a socket in the journal's place; what
comes there is written to OUT, a JSON map of the fields a line. Ends as the command does.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading

INSIDE = "REEL_TEST_JOURNAL_INSIDE"


def fields_of(datagram):
    """The fields of an entry (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(datagram[:8], "little")
            value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
        fields[name.decode()] = value.decode()
    return fields


def receive(journal, out):
    while datagram := journal.recv(1 << 16):
        out.write(json.dumps(fields_of(datagram)) + "\n")
        out.flush()


def main():
    out_path, *command = sys.argv[1:]
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--map-root-user", *sys.argv])
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    os.makedirs("/run/systemd/journal")
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind("/run/systemd/journal/socket")
    with open(out_path, "a") as out:
        threading.Thread(target=receive, args=(journal, out), daemon=True).start()
        status = os.fstat(2)
        stream = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        program = subprocess.Popen(command, env=os.environ | stream)
        signal.signal(signal.SIGTERM, lambda *_: program.terminate())
        sys.exit(program.wait())


main()
