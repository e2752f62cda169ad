"""What the broker delivers again because an acknowledgement was lost on the way is not recorded
again: in each test the network swallows the sink's PUBACKs after the audio is durable."""
import socket
import threading

from harness import Format, Recorder, assert_same_audio, read_wave
from lab import wait_for


class Network:
    """Between the sink and its broker. While `deaf` is set, nothing of what the sink's ingest
    connection says after its CONNECT reaches the broker; of what the broker says to it, only as
    many bytes as `hears` has left reach it (None: all)."""

    def __init__(self, broker):
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.deaf = False
        self.hears = None
        self._ingest = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((self._broker.host, self._broker.port))
            except OSError:
                return
            first = near.recv(65536)
            ingest = b"-ingest" in first
            if ingest:
                self._ingest += [near, far]
            far.sendall(first)
            outward = (near, far, self._said if ingest else bytes)
            inward = (far, near, self._heard if ingest else bytes)
            for arguments in outward, inward:
                threading.Thread(target=self._pass, args=arguments, daemon=True).start()

    def _said(self, data):
        return b"" if self.deaf else data

    def _heard(self, data):
        if self.hears is None:
            return data
        data = data[: self.hears]
        self.hears -= len(data)
        return data

    def _pass(self, source, sink, lets_through):
        try:
            while data := source.recv(65536):
                sink.sendall(lets_through(data))
        except OSError:
            pass
        for end in source, sink:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self, deaf=False, hears=None):
        """End the ingest connection; the next one is as told."""
        self.deaf = deaf
        self.hears = hears
        for end in self._ingest:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._ingest.clear()

    def close(self):
        self._listener.close()
        self.cut()


def make(make_lab, settings=None):
    lab = make_lab(settings, start=False)
    network = Network(lab.broker)
    lab.sink.settings["broker.port"] = network.port
    lab.sink.start()
    return lab, network


def noise(name, frames=160):
    return Format().noise(frames, name)


def finish(lab, recorder):
    recorder.end()
    lab.watcher.wait_event(recorder.device, recorder.session, "completed")
    return read_wave(lab.sink.wav(recorder.device, recorder.session))[1]


def committed(lab, recorder, fragments):
    wait_for(lambda: recorder.info()["fragments"] == fragments, f"{fragments} fragments")


def test_unnumbered_of_several_batches(make_lab):
    """Batch after batch is durable before the broker hears of the first."""
    lab, network = make(make_lab)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0))
    expected = noise(0)
    network.deaf = True
    for n in range(1, 6):
        expected += recorder.post(noise(n))
        committed(lab, recorder, n + 1)
    network.cut()
    expected += recorder.post(noise(6))
    committed(lab, recorder, 7)
    assert recorder.info()["duplicates"] == 5
    assert_same_audio(finish(lab, recorder), expected)
    network.close()


def test_unnumbered_cut_off_in_the_middle_of_the_repeats(make_lab):
    """The second connection ends when part of what came again is taken in once more."""
    lab, network = make(make_lab)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0))
    expected = noise(0)
    network.deaf = True
    for n in range(1, 20):
        expected += recorder.post(noise(n), wait=False)
    committed(lab, recorder, 20)
    network.cut(deaf=True, hears=19 * 200)
    wait_for(lambda: recorder.info()["duplicates"] > 0, "some of them to come again")
    network.cut()
    expected += recorder.post(noise(20))
    committed(lab, recorder, 21)
    assert_same_audio(finish(lab, recorder), expected)
    network.close()


def test_numbered_that_restarted(make_lab):
    """A recorder that restarted under its old name, its first life and its second delivered again:
    by their numbers alone they would be a third life and a fourth."""
    lab, network = make(make_lab)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise("before"))
    expected = noise("before")
    network.deaf = True
    for life in "ab":
        for seq in range(3):
            expected += recorder.post(noise(f"{life}{seq}"), seq=seq)
    committed(lab, recorder, 7)
    network.cut()
    expected += recorder.post(noise("b3"), seq=3)
    committed(lab, recorder, 8)
    assert_same_audio(finish(lab, recorder), expected)
    network.close()


def test_a_broker_that_begins_anew(make_lab):
    """Its packet ids start over, so nothing is a repeat for having an id of before: not even
    silence, which is the same each time."""
    lab = make_lab()
    silence = bytes(320)
    recorder = Recorder(lab.client(), "mic")
    for _ in range(3):
        recorder.store(silence)
    lab.restart_broker()
    recorder = Recorder(lab.client(), "mic")
    lab.sink.kill()
    for _ in range(3):
        recorder.post(silence)
    lab.sink.start()
    recorder.store(silence)
    assert recorder.info()["fragments"] == 7


def test_unnumbered_of_a_recording_that_was_deleted(make_lab):
    """What comes again has no recording any more, and begins none."""
    lab, network = make(make_lab)
    recorder = Recorder(lab.client(), "mic")
    recorder.store(noise(0))
    network.deaf = True
    for n in range(1, 6):
        recorder.post(noise(n))
        committed(lab, recorder, n + 1)
    recorder.client.request("delete", {"device": "mic", "session": "s1"})
    network.cut()
    expected = recorder.post(noise(6))
    lab.watcher.wait_event("mic", "s1", "started", 2)
    committed(lab, recorder, 1)
    assert recorder.client.request("status")["counters"]["duplicates"] == 5
    assert_same_audio(finish(lab, recorder), expected)
    network.close()
