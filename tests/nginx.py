"""A real nginx before a hub, on a free port, with all its files in a scratch folder."""

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DOCUMENTED = Path(__file__).parents[1] / "docs" / "proxies.md"

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
        {location}
    }}
}}
"""


def documented() -> str:
    """The rule for nginx as docs/proxies.md has it: below /hub/, which it takes away."""
    [location] = re.findall(r"```nginx\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    return str(location)


def without(location: str, *words: str) -> str:
    """The same without the lines that have one of these words."""
    return "".join(
        line for line in location.splitlines(keepends=True) if not any(word in line for word in words)
    )


class Nginx:
    """Its port is open from the beginning; it answers while `before` lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    @contextmanager
    def before(self, hub_url: str, location: str) -> Iterator[None]:
        """Run with a rule, in which the hub stands as in the documentation, at 127.0.0.1:8080."""
        config = self._folder / "nginx.conf"
        port = self._socket.getsockname()[1]
        location = location.replace("http://127.0.0.1:8080", hub_url)
        config.write_text(
            CONFIG.format(folder=self._folder, user=getpass.getuser(), port=port, location=location)
        )
        descriptor = self._socket.fileno()
        # It takes the socket over as it takes those of the nginx it replaces at an upgrade.
        process = subprocess.Popen(
            ["nginx", "-p", str(self._folder), "-c", str(config)],
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin", "NGINX": f"{descriptor};"},
            pass_fds=(descriptor,),
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
            self._socket.close()
