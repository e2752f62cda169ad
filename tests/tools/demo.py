#!/usr/bin/python3
"""The whole thing, to watch: speech goes in over MQTT from three devices at once, stands as WAV
files and a catalog on disk, and comes back bit for bit. Stops what it started; ends with 0."""
import argparse
import subprocess
import sys
import tempfile
import threading
import wave
from pathlib import Path

from lab import TREE, Broker, Sink
from show import bold, command, dim, fail, good, say, step, stop_on_signals

SPEECH = Path("/usr/share/sounds/alsa")
DEVICES = {
    "mic-front": ["Front_Left", "Front_Center", "Front_Right"],
    "mic-side": ["Side_Left", "Side_Right", "Noise"],
    "mic-rear": ["Rear_Left", "Rear_Center", "Rear_Right"],
}


def run(words, cwd, out=None):
    """Show a command, run it, return what it wrote; what it complains about goes to the person."""
    command(words, out)
    target = (cwd / out).open("wb") if out else subprocess.PIPE
    done = subprocess.run([str(word) for word in words], cwd=cwd, stdout=target, check=True)
    return (done.stdout or b"").decode()


def show(text, indent="   "):
    print("".join(f"{indent}{line}\n" for line in text.splitlines()), end="", flush=True)


def samples_of(path):
    """(channels, rate, bytes a sample, samples), as Python's own wave module reads the file."""
    with wave.open(str(path), "rb") as reader:
        shape = reader.getnchannels(), reader.getframerate(), reader.getsampwidth()
        return (*shape, reader.readframes(reader.getnframes()))


def begin(words):
    """Start a program that Ctrl-C does not reach: who asked for it stops it."""
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                            start_new_session=True)


def watch(reel, options, count):
    """Start `reel watch`; return it and a thread that shows its next `count` events, once it has
    said that the sink is there: then it sees all that follows."""
    words = [reel, "watch", *options, "--count", count]
    command(words)
    watcher = begin(words)
    watcher.stdout.readline()

    def follow():
        for line in watcher.stdout:
            say(dim(line.decode().rstrip()))

    thread = threading.Thread(target=follow)
    thread.start()
    return watcher, thread


def publish(reel, options, device, names):
    files = [SPEECH / f"{name}.wav" for name in names]
    words = [reel, "publish", *options, "--realtime", "--device", device]
    command([*words, *(path.name for path in files)])
    return begin([*words, *files])


def publish_all(reel, options):
    """Every device publishes its files as one would speak them, all devices at once."""
    count = sum(len(names) for names in DEVICES.values())
    watcher, watching = watch(reel, options, 2 * count)  # each is started and completed
    running = {device: publish(reel, options, device, names) for device, names in DEVICES.items()}
    try:
        for device, publisher in running.items():
            publisher.communicate()
            if publisher.returncode != 0:
                raise RuntimeError(f"{device} could not publish ({publisher.returncode})")
        watching.join(10)
    finally:
        for program in (*running.values(), watcher):
            program.terminate()
            program.wait()
        watching.join()
    good(f"{count} recordings of {len(DEVICES)} devices, all acknowledged as durable")


def compare(device, name, path):
    if samples_of(path) != samples_of(SPEECH / f"{name}.wav"):
        raise RuntimeError(f"{path} is not what {device} published")


def fetch_all(reel, options, folder):
    """Get everything back with `reel`, and one recording with what mosquitto-clients offer."""
    recordings = [(device, name) for device, names in DEVICES.items() for name in names]
    for n, (device, name) in enumerate(recordings):
        path = folder / f"{device}-{name}.wav"
        words = [reel, "get", *options, device, name, "--out", path.name]
        if n == 0:
            command(words)
            say(dim(f"... and the other {len(recordings) - 1}"))
        subprocess.run([str(word) for word in words], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        compare(device, name, path)
    good(f"{len(recordings)} downloads, each sample equal to what was published")
    request = '{"device":"mic-front","session":"Front_Center"}'
    run(["mosquitto_rr", "-N", "-W", "30", *options, "-t", "reel/v1/request/download",
         "-e", "reel/v1/reply/demo", "-m", request], folder, "by-mosquitto_rr.wav")
    by_reel, by_rr = folder / "mic-front-Front_Center.wav", folder / "by-mosquitto_rr.wav"
    compare("mic-front", "Front_Center", by_rr)
    if by_rr.read_bytes() != by_reel.read_bytes():
        raise RuntimeError("the two downloads differ")
    good("the same file, without any program of ours")


def demo(build, folder):
    reel = Path(TREE, build, "reel")
    step("A broker of our own")
    with Broker(folder / "broker") as broker:
        options = ["-p", str(broker.port)]
        good(f"mosquitto listens on {broker.host}:{broker.port}")

        step("The sink")
        sink = Sink(build, folder, broker, {"ingest.commit_interval_ms": 200}, name="demo")
        command(sink.command())
        with sink:
            good(f"reeld is online and records into {sink.store}")

            step("Three devices speak at once (recorded speech of Debian's alsa-utils)")
            publish_all(reel, options)

            step("What the sink has")
            show(run([reel, "list", *options], folder))

            step("One of them, closely")
            show(run([reel, "info", *options, "mic-front", "Front_Center"], folder))

            step("And back, bit for bit")
            downloads = folder / "downloads"
            downloads.mkdir()
            fetch_all(reel, options, downloads)
    recordings = folder / "store" / "recordings"
    count = len(list(recordings.glob("*/*.wav")))
    step("Done; broker and sink are stopped")
    say(f"{count} recordings, plain WAV files   {bold(recordings)}")
    say(f"the downloads                   {bold(folder / 'downloads')}")
    say(dim("Now try `make run`, and speak yourself."))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="where the programs are")
    build = parser.parse_args().build
    stop_on_signals()
    folder = Path(tempfile.mkdtemp(prefix="reel-demo-"))
    try:
        demo(build, folder)
    except KeyboardInterrupt:
        print("\n   stopped; broker and sink too")
        return 130
    except (AssertionError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        fail(f"{error}\nLogs are in {folder}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
