"""Certificates are read as openssl reads them, and what is none is refused."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.errors import Unreadable
from hub.model.certificate import PEM_BEGIN, PEM_END, read_pem
from tests.certificates import Authority

DAYS = {"soon": 1, "over": -1, "after 2050, where the time is written in another form": 20_000}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("days", DAYS.values(), ids=DAYS)
def test_fingerprint_and_end_are_those_that_openssl_names(authority: Authority, days: int) -> None:
    made = authority.issue("boiler", san="URI:urn:device:boiler", days=days)
    asked = ["openssl", "x509", "-noout", "-enddate", "-fingerprint", "-sha256", "-in", str(made.path)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    lines = dict(line.lower().split("=") for line in said.splitlines())
    found = read_pem("a text before it\n" + made.path.read_text() + authority.path.read_text())
    assert found.fingerprint.hex(":") == lines["sha256 fingerprint"]
    ends = datetime.strptime(lines["notafter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    assert found.ends_at == ends.timestamp() * 1e6


@pytest.mark.parametrize(
    "body", ["", "MIIB", "AAAA", "not base64!", "MAMCAQE="], ids=["none", "short", "zeros", "text", "other"]
)
def test_what_is_no_certificate_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        read_pem(f"{PEM_BEGIN}\n{body}\n{PEM_END}\n")


def test_a_certificate_cut_off_anywhere_is_refused(authority: Authority, tmp_path: Path) -> None:
    text = authority.path.read_text()
    last = text.index(PEM_END) - 2  # of what it is; behind that a line ends
    for end in range(0, last + 1, 7):
        with pytest.raises(Unreadable):
            read_pem(text[:end] + f"\n{PEM_END}\n")
