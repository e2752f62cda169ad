"""Certificates: authorities made on the spot, and what they sign."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@dataclass
class Issued:
    certificate: Path
    key: Path

    def settings(self, authority):
        """How the sink comes in with it, and whom it trusts."""
        return {"broker.cafile": authority.certificate, "broker.cert": self.certificate,
                "broker.key": self.key}


class Authority:
    """An authority with a folder of its own."""

    def __init__(self, folder, name="ca"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._key = self.folder / "ca.crt", self.folder / "ca.key"
        openssl("req", "-x509", *KEY, "-nodes", "-days", 2, "-subj", f"/CN={name}", "-keyout",
                self._key, "-out", self.certificate)

    def issue(self, name, days=2, names="IP:127.0.0.1,DNS:localhost", passphrase=None):
        """A certificate with CN `name` for the host `names`; of `days` below 0 one that has
        expired."""
        stem = self.folder / f"{name}{days}{'p' if passphrase else ''}{len(names)}"
        issued = Issued(stem.with_suffix(".crt"), stem.with_suffix(".key"))
        hidden = ("-passout", f"pass:{passphrase}") if passphrase else ("-nodes",)
        openssl("req", *KEY, *hidden, "-subj", f"/CN={name}", "-keyout", issued.key, "-out",
                stem.with_suffix(".csr"))
        stem.with_suffix(".ext").write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", stem.with_suffix(".csr"), "-CA", self.certificate, "-CAkey",
                self._key, "-CAcreateserial", "-days", days, "-extfile", stem.with_suffix(".ext"),
                "-out", issued.certificate)
        return issued
