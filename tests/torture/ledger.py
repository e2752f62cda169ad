"""Ledger: what was sent, and what of it the sink's own acknowledgements said is durable."""
import json
import threading
from dataclasses import asdict

from marked import Recording


def _in(ranges, number):
    return any(first <= number <= last for first, last in ranges)


class Ledger:
    """`findings` are promises that contradict each other or what was sent."""

    def __init__(self):
        self.recordings = {}  # (device, session): Recording
        self.acknowledged = {}  # (device, session): {(run, seq)}
        self.sent = {}  # (device, session, run): number of fragments
        self.findings = []
        self.lock = threading.Lock()

    def add(self, recording):
        key = recording.device, recording.session
        with self.lock:
            self.recordings[key] = recording
            self.acknowledged[key] = set()

    def snapshot(self):
        """Recordings, what is acknowledged of each, and findings, as they are now."""
        with self.lock:
            held = {key: set(pairs) for key, pairs in self.acknowledged.items()}
            return dict(self.recordings), held, list(self.findings)

    def note_sent(self, recording, run, seq):
        key = recording.device, recording.session, run
        self.sent[key] = max(self.sent.get(key, 0), seq + 1)

    def is_complete(self, recording):
        held = self.acknowledged[recording.device, recording.session]
        return len(held) == recording.runs * recording.fragments

    def note_acknowledgement(self, document, run):
        """Take in an acknowledgement that belongs to a run of its recording; return the fragments
        that it is the first to name, or None if it is a refusal."""
        name = f"{document.get('device')}/{document.get('session')}"
        if document["status"] != "ok":
            self.findings.append(f"{name}: refused: {document['error']}")
            return None
        key = document["device"], document["session"]
        recording, held = self.recordings[key], self.acknowledged[key]
        sent = self.sent.get((*key, run), 0)
        if document["seq"] is not None:
            durable = self._by_seq(document)
            claimed = document["seq"] + 1
        else:
            durable, claimed = self._by_frame(document, recording)
        if claimed > sent:
            self.findings.append(f"{name}: {claimed} fragments acknowledged, {sent} sent")
        taken_back = {seq for held_run, seq in held if held_run == run} - durable
        # Who restarted under its old name is told of what it sends now.
        restarted = document["boot"] is None and (*key, run + 1) in self.sent
        if document["seq"] is not None and taken_back and not restarted:
            self.findings.append(f"{name}: acknowledgement of {sorted(taken_back)} taken back")
        if document["lost"]:
            self.findings.append(f"{name}: given up: {document['lost']}")
        fresh = {(run, seq) for seq in durable} - held
        with self.lock:
            held |= fresh
        return fresh

    @staticmethod
    def _by_seq(document):
        without = document["missing"] + document["lost"]
        return {seq for seq in range(document["seq"] + 1) if not _in(without, seq)}

    @staticmethod
    def _by_frame(document, recording):
        """Whole fragments before `next_frame` that touch no missing frame."""
        starts, end = recording.starts(), document["next_frame"]
        durable = set()
        for seq in range(recording.fragments):
            first, last = starts[seq], starts[seq + 1]
            missing = any(a < last and first < b for a, b in document["missing_frames"])
            if last <= end and not missing:
                durable.add(seq)
        claimed = sum(1 for start in starts[:-1] if start < end)
        return durable, claimed

    def save(self, path):
        document = {
            "recordings": [asdict(recording) for recording in self.recordings.values()],
            "acknowledged": [[*key, sorted(held)] for key, held in self.acknowledged.items()],
        }
        path.write_text(json.dumps(document))

    @classmethod
    def load(cls, path):
        document, ledger = json.loads(path.read_text()), cls()
        for fields in document["recordings"]:
            ledger.add(Recording(**fields))
        for device, session, held in document["acknowledged"]:
            ledger.acknowledged[device, session] = {tuple(pair) for pair in held}
        return ledger
