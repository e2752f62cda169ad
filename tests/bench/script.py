#!/usr/bin/python3
"""The opponent that is written first: a script that stores fragments with the usual libraries.

    script.py PORT FOLDER FRAGMENTS

One open file for each recording, written as its fragments come, and a row in SQLite, committed once
a second. Prints a line of JSON when it has subscribed, and one with its figures at the end.
"""
import json
import sqlite3
import sys
import time
from pathlib import Path

import msgpack
import paho.mqtt.client as mqtt
import soundfile
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SUBTYPES = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}


class Recorder:
    def __init__(self, folder, expected):
        self.folder = folder
        self.expected = expected
        self.received = 0
        self.files = {}
        self.committed = time.monotonic()
        self.catalog = sqlite3.connect(folder / "catalog.db")
        self.catalog.execute("CREATE TABLE recordings (device TEXT, session TEXT, frames INTEGER, "
                             "updated REAL, PRIMARY KEY (device, session))")

    def open(self, device, session, audio):
        path = self.folder / "recordings" / device / f"{session}.wav"
        path.parent.mkdir(parents=True)
        self.catalog.execute("INSERT INTO recordings VALUES (?, ?, 0, ?)",
                             (device, session, time.time()))
        return soundfile.SoundFile(path, "w", samplerate=audio["rate"],
                                   channels=audio["channels"],
                                   subtype=SUBTYPES[audio["sample_size"]])

    def take(self, topic, payload):
        device, session = topic.split("/")[-2:]
        fragment = msgpack.unpackb(payload)
        audio = fragment["metadata"]["audio"]
        if (device, session) not in self.files:
            self.files[device, session] = self.open(device, session, audio)
        self.files[device, session].buffer_write(fragment["data"], dtype="int16")
        frames = len(fragment["data"]) // (audio["sample_size"] * audio["channels"])
        self.catalog.execute("UPDATE recordings SET frames = frames + ?, updated = ? "
                             "WHERE device = ? AND session = ?",
                             (frames, time.time(), device, session))
        self.received += 1
        if time.monotonic() - self.committed > 1:
            self.commit()

    def commit(self):
        for file in self.files.values():
            file.flush()
        self.catalog.commit()
        self.committed = time.monotonic()

    def close(self):
        for file in self.files.values():
            file.close()
        self.catalog.commit()


def tell(**figures):
    print(json.dumps(figures), flush=True)


def main():
    port, folder, expected = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    recorder = Recorder(folder, expected)
    client = mqtt.Client("bench-script", protocol=mqtt.MQTTv5)
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0xFFFFFFFF
    client.on_connect = lambda *_: client.subscribe("reel/v1/audio/#", qos=1)
    client.on_subscribe = lambda *_: tell(ready=True)
    client.on_message = lambda *say: recorder.take(say[2].topic, say[2].payload)
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    while recorder.received < expected:
        client.loop()
    recorder.close()
    last_us = time.monotonic_ns() // 1000
    used_us = int(time.process_time() * 1e6)
    tell(received=recorder.received, last_us=last_us, cpu_us=used_us)
    client.disconnect()


if __name__ == "__main__":
    main()
