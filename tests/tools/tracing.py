"""Tracing: system calls of a running program that fail, through strace."""
import shutil
import subprocess

from lab import Program, wait_for


def can_trace():
    """Whether strace is there and may attach to a process that is not its child."""
    if not shutil.which("strace"):
        return False
    victim = subprocess.Popen(["sleep", "60"])
    try:
        tracer = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(victim.pid)],
                                  stderr=subprocess.PIPE)
        return b"attached" in tracer.stderr.readline()
    finally:
        victim.kill()
        victim.wait()
        tracer.wait()


def attach(pid, command, log):
    """Start a strace `command` for that process and its threads, and wait until it is there."""
    tracer = Program([*command, "-f", "-p", pid], log)
    tracer.start()
    wait_for(lambda: "attached" in tracer.log(), "strace to be attached")
    return tracer


def inject(sink, log, what, path=None):
    """Let system calls of the running sink fail, as strace's -e inject describes it; with `path`,
    only those on that file."""
    call = what.split(":")[0]
    command = ["strace", "-o", log, "-e", f"trace={call}", "-e", f"inject={what}"]
    command += ["-P", path] if path else []
    return attach(sink.program.pid, command, log.with_suffix(".strace"))
