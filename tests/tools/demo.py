#!/usr/bin/python3
"""The whole thing, to watch: speech goes in over MQTT from three devices at once, stands as WAV
files and a catalog on disk, and comes back bit for bit. Stops what it started; ends with 0."""
import argparse
import subprocess
import sys
import tempfile
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
    command([*words, *([">", out.name] if out else [])])
    target = out.open("wb") if out else subprocess.PIPE
    done = subprocess.run([str(word) for word in words], cwd=cwd, stdout=target, check=True)
    return (done.stdout or b"").decode()


def show(text, indent="   "):
    print("".join(f"{indent}{line}\n" for line in text.splitlines()), end="", flush=True)


def samples_of(path):
    """(channels, rate, bytes a sample, samples), as Python's own wave module reads the file."""
    with wave.open(str(path), "rb") as reader:
        shape = reader.getnchannels(), reader.getframerate(), reader.getsampwidth()
        return (*shape, reader.readframes(reader.getnframes()))


def publish_all(reel, options, folder):
    """Every device publishes its files as one would speak them, all devices at once."""
    publishers = {}
    for device, names in DEVICES.items():
        files = [SPEECH / f"{name}.wav" for name in names]
        words = [reel, "publish", *options, "--realtime", "--device", device, *files]
        command([*words[: -len(files)], *(path.name for path in files)])
        publishers[device] = subprocess.Popen(
            [str(word) for word in words], cwd=folder, stdout=subprocess.PIPE
        )
    try:
        for device, publisher in publishers.items():
            publisher.communicate()
            if publisher.returncode != 0:
                raise RuntimeError(f"{device} could not publish ({publisher.returncode})")
            good(f"{device}: {len(DEVICES[device])} recordings, acknowledged as durable")
    finally:
        for publisher in publishers.values():
            if publisher.poll() is None:
                publisher.terminate()
                publisher.wait()


def compare(device, name, path):
    if samples_of(path) != samples_of(SPEECH / f"{name}.wav"):
        raise RuntimeError(f"{path} is not what {device} published")


def fetch_all(reel, options, folder):
    """Get everything back with `reel`, and one recording with what mosquitto-clients offer."""
    first = True
    for device, names in DEVICES.items():
        for name in names:
            path = folder / f"{device}-{name}.wav"
            words = [reel, "get", *options, device, name, "--out", path]
            if first:
                command([*words[:-1], path.name])
                say(dim("… and the other eight"))
                first = False
            subprocess.run([str(word) for word in words], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)
            compare(device, name, path)
    good("nine downloads, each sample equal to what was published")
    out = folder / "by-mosquitto_rr.wav"
    request = '{"device":"mic-front","session":"Front_Center"}'
    run(["mosquitto_rr", "-N", "-W", "30", *options, "-t", "reel/v1/request/download",
         "-e", "reel/v1/reply/demo", "-m", request], folder, out)
    compare("mic-front", "Front_Center", out)
    if out.read_bytes() != (folder / "mic-front-Front_Center.wav").read_bytes():
        raise RuntimeError("the two downloads differ")
    good("the same file, without any program of ours")


def demo(build, folder):
    reel = Path(TREE, build, "reel")
    step("A broker of our own")
    with Broker(folder / "broker") as broker:
        options = ["-h", broker.host, "-p", str(broker.port)]
        good(f"mosquitto listens on {broker.host}:{broker.port}")

        step("The sink")
        sink = Sink(build, folder, broker, {"ingest.commit_interval_ms": 200}, name="demo")
        command(sink.command())
        with sink:
            good(f"reeld is online and records into {sink.store}")

            step("Three devices speak at once (recorded speech of Debian's alsa-utils)")
            publish_all(reel, options, folder)

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
    say(f"{count} recordings, plain WAV files:  {bold(recordings)}")
    say(f"the downloads:                {bold(folder / 'downloads')}")
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
        say("\nstopped")
        return 130
    except (AssertionError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        fail(f"{error}\nLogs are in {folder}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
