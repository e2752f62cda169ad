"""What the sink takes of memory for messages goes back when they are done with."""
import re
from pathlib import Path

from harness import BUILD, PREFIX, Recorder, fragment

MIB = 1 << 20
# What address sanitizers keep back for a while is allowed for.
KEPT_BYTES = (300 if "san" in BUILD else 6) * MIB


def own_memory_bytes(sink):
    """Without what is mapped of files."""
    status = Path(f"/proc/{sink.program.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) << 10


def test_the_values_of_large_json_documents_are_given_back(make_lab):
    """They are small pieces of memory, between which those of the recordings stay that begin
    meanwhile."""
    lab = make_lab()
    client = lab.client()
    Recorder(client, "mic").store(frames=1)
    before = own_memory_bytes(lab.sink)
    head = b'{"metadata":{"audio":{"channels":1,"rate":16000,"sample_size":2}},"data":['
    for number in range(24):
        unit = (b"[],", b'"",', b"{},", b"0.5,")[number % 4]
        tree = head + unit * (MIB // len(unit) - 100) + b"[]]}"
        client.publish(f"{PREFIX}/audio/mic/tree", tree)
        client.publish(f"{PREFIX}/audio/mic{number}/s", fragment(bytes(64)))
    Recorder(client, "last").store(frames=1)
    assert own_memory_bytes(lab.sink) < before + KEPT_BYTES
