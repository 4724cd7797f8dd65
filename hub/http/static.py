"""The page: files that Vite built into hub/static, read once at the start and served from memory."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from hub.http.negotiation import has_it, takes
from hub.http.plain_page import plain_page

BUILT = Path(__file__).parent.parent / "static"
GZIP_MIN_BYTES = 500
_PACKED = frozenset({".png", ".jpg", ".webp", ".woff2", ".ico", ".gz"})  # gzip gains nothing on these


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    gzipped: bytes | None
    content_type: str
    digest: str
    cache_control: str


class StaticPage:
    """The files of `folder` by their path below it. A folder that is not there has none."""

    def __init__(self, folder: Path) -> None:
        found = sorted(folder.rglob("*")) if folder.is_dir() else []
        self._files = {
            f"/{path.relative_to(folder)}": _read(path, folder) for path in found if path.is_file()
        }

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        if "/index.html" in self._files:
            return self._answer(request, self._files["/index.html"])
        return plain_page(
            HTTPStatus.OK,
            "Sensor Hub",
            "The hub is running, but its page has not been built: run `make page` where its source is, "
            "then start it again.",
            "Devices, REST and the live socket work without it.",
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of the page. Raises HTTPNotFound."""
        found = self._files.get(f"/{request.match_info['path']}")
        if found is None:
            raise web.HTTPNotFound
        return self._answer(request, found)

    @staticmethod
    def _answer(request: web.Request, file: _File) -> web.Response:
        accepted = ",".join(request.headers.getall("Accept-Encoding", ()))
        packed = file.gzipped if takes(accepted, "gzip") else None
        # A strong tag stands for the bytes that are sent, so each encoding has its own (RFC 9110, 8.8.3.3).
        etag = f'"{file.digest}"' if packed is None else f'"{file.digest}-gzip"'
        headers = {"Cache-Control": file.cache_control, "ETag": etag, "Vary": "Accept-Encoding"}
        if has_it(request.headers.getall("If-None-Match", ()), etag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED.value, headers=headers)
        headers["Content-Type"] = file.content_type
        if packed is not None:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=file.body if packed is None else packed, headers=headers)


def _read(path: Path, folder: Path) -> _File:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind in ("application/javascript", "application/json", "image/svg+xml"):
        kind += "; charset=utf-8"
    packs = len(body) >= GZIP_MIN_BYTES and path.suffix not in _PACKED
    # Vite names what is in assets/ after its content, so a name never changes its meaning.
    is_hashed = path.relative_to(folder).parts[0] == "assets"
    return _File(
        body,
        gzip.compress(body, 9, mtime=0) if packs else None,
        kind,
        hashlib.blake2b(body, digest_size=12).hexdigest(),
        "public, max-age=31536000, immutable" if is_hashed else "no-cache",
    )
