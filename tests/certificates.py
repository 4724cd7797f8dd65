"""Authorities and certificates, made by openssl, in a scratch folder."""

import ssl
import subprocess
from pathlib import Path

from tests.conftest import Certificate

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*words: str | Path) -> None:
    """Run it; fails with what it says."""
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Authority:
    """One that signs certificates."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.name = name
        self.path = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        openssl(
            "req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}",
            "-keyout", self._key, "-out", self.path,
        )  # fmt: skip

    def issue(self, name: str, *, subject: str = "", san: str = "", days: int = 2) -> Certificate:
        """A certificate and its key, in files of that name; `days` below 0: it has ended."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(f"basicConstraints=CA:FALSE\n{f'subjectAltName={san}' if san else ''}\n")
        openssl(
            "req", "-new", *NEW_KEY, "-subj", f"/CN={subject or name}", "-keyout", made.key, "-out", request
        )
        openssl(
            "x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self._key, "-CAcreateserial",
            "-days", str(days), "-extfile", extensions, "-out", made.path,
        )  # fmt: skip
        return made

    def server(self, name: str = "server") -> Certificate:
        """For a hub on this machine."""
        return self.issue(name, subject="127.0.0.1", san="IP:127.0.0.1")

    def trusting(self, shown: Certificate | None = None) -> ssl.SSLContext:
        """A client's context that believes this authority, and shows a certificate of its own."""
        context = ssl.create_default_context(cafile=str(self.path))
        if shown is not None:
            context.load_cert_chain(*shown)
        return context
