"""Real proxies before a hub, on free ports, with all their files in a scratch folder.

Each runs the rule that docs/proxies.md gives for it. Only addresses and the certificate's path are replaced.
"""

import getpass
import os
import re
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.conftest import Certificate

DEADLINE_S = 20.0
DOCUMENTED = Path(__file__).parents[1] / "docs" / "proxies.md"
HUB_ADDRESS = "127.0.0.1:8080"  # in the documentation


def without(rule: str, *words: str) -> str:
    """The same without the lines that have one of these words."""
    return "".join(line for line in rule.splitlines(keepends=True) if not any(word in line for word in words))


class Proxy(ABC):
    """Its port is open from the beginning; it answers while `before` lasts."""

    name: ClassVar[str]  # as the documentation's heading
    scheme: ClassVar[str] = "http"
    takes_over: ClassVar[bool] = True  # the open socket; else it opens the port anew

    def __init__(self, folder: Path, certificate: Certificate) -> None:
        self._folder = folder
        self._certificate = certificate
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"

    @classmethod
    def documented(cls) -> str:
        """The rule as the documentation has it: below /hub/, which it takes away."""
        text = DOCUMENTED.read_text(encoding="utf-8")
        [rule] = re.findall(rf"^## {cls.name}\n.*?^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        return str(rule)

    @classmethod
    @abstractmethod
    def keeping_the_path(cls) -> str:
        """The same rule, but it leaves /hub in what it asks the hub."""

    @contextmanager
    def before(self, hub_url: str, rule: str) -> Iterator[None]:
        """Run with a rule, in which the hub stands as in the documentation."""
        assert HUB_ADDRESS in rule
        file = self._folder / self.name
        rule = rule.replace(HUB_ADDRESS, hub_url.removeprefix("http://"))
        file.write_text(self._config(rule), encoding="utf-8")
        if not self.takes_over:
            self._socket.close()
        process = subprocess.Popen(
            self._command(file),
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", **self._environment()},
            pass_fds=(self._socket.fileno(),) if self.takes_over else (),
            stderr=subprocess.DEVNULL,
        )
        try:
            self._await_port()
            yield
        finally:
            process.terminate()
            process.wait()
            self._socket.close()

    def _await_port(self) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < deadline_s, f"{self.name} does not listen"
            time.sleep(0.01)

    @abstractmethod
    def _config(self, rule: str) -> str:
        """A whole configuration around the rule, with a neighbour that says which cookies it is sent."""

    @abstractmethod
    def _command(self, file: Path) -> list[str]: ...

    def _environment(self) -> dict[str, str]:
        return {}


class Nginx(Proxy):
    name = "nginx"

    CONFIG = """
daemon off;
worker_processes 1;
user {user};
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /neighbour/cookies {{ return 200 "$http_cookie"; }}
        {rule}
    }}
}}
"""

    @classmethod
    def keeping_the_path(cls) -> str:
        return cls.documented().replace(f"{HUB_ADDRESS}/;", f"{HUB_ADDRESS};")

    def _config(self, rule: str) -> str:
        return self.CONFIG.format(folder=self._folder, user=getpass.getuser(), port=self.port, rule=rule)

    def _command(self, file: Path) -> list[str]:
        return ["nginx", "-p", str(self._folder), "-c", str(file)]

    def _environment(self) -> dict[str, str]:
        # It takes the socket over as it takes those of the nginx it replaces at an upgrade.
        return {"NGINX": f"{self._socket.fileno()};"}


class Haproxy(Proxy):
    name = "haproxy"
    scheme = "https"

    NEIGHBOUR = (
        '    http-request return status 200 content-type text/plain lf-string "%[req.hdr(Cookie)]"'
        " if { path /neighbour/cookies }\n"
    )

    @classmethod
    def keeping_the_path(cls) -> str:
        return without(cls.documented(), "replace-path")

    def _config(self, rule: str) -> str:
        both = self._folder / "certificate-and-key.pem"
        both.write_text(self._certificate.path.read_text() + self._certificate.key.read_text())
        bind = f"    bind fd@{self._socket.fileno()} ssl crt {both}\n"
        configured, found = re.subn(
            r"^ +bind :443 ssl crt \S+\n", bind + self.NEIGHBOUR, rule, flags=re.MULTILINE
        )
        assert found == 1
        return configured

    def _command(self, file: Path) -> list[str]:
        return ["haproxy", "-q", "-db", "-f", str(file)]


class Caddy(Proxy):
    name = "Caddy"
    takes_over = False

    GLOBAL = "{\n    admin off\n    auto_https off\n}\n"
    NEIGHBOUR = '    respond /neighbour/cookies "{header.Cookie}"\n'

    @classmethod
    def keeping_the_path(cls) -> str:
        return cls.documented().replace("handle_path", "handle")

    def _config(self, rule: str) -> str:
        site, found = re.subn(r"^ops\.example\.org {\n", f"{self.url} {{\n{self.NEIGHBOUR}", rule)
        assert found == 1
        return self.GLOBAL + site

    def _command(self, file: Path) -> list[str]:
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self._folder)}


PROXIES = (Nginx, Haproxy, Caddy)
