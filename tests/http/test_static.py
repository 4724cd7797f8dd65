import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.config import Config
from tests.http.conftest import Hub, running_hub

SCRIPT = "console.log('a sensor');\n" * 100
INDEX = '<!doctype html><script type="module" src="/assets/app-1a2b.js"></script>'


@pytest.fixture(scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    built = folder / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(INDEX)
    (built / "assets" / "app-1a2b.js").write_text(SCRIPT)
    (built / "icon.svg").write_text("<svg/>")
    (folder / "secret.txt").write_text("not for everyone")
    async with running_hub(folder, Config(), built) as running:
        yield running


async def test_the_page_is_asked_for_anew_and_its_files_are_kept(hub: Hub) -> None:
    async with hub.client.get("/") as page:
        assert (await page.text(), page.headers["Cache-Control"]) == (INDEX, "no-cache")
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    async with hub.client.get("/assets/app-1a2b.js") as script:
        assert await script.text() == SCRIPT
        assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "javascript" in script.headers["Content-Type"]
    async with hub.client.get("/icon.svg") as icon:
        assert (icon.headers["Cache-Control"], icon.content_type) == ("no-cache", "image/svg+xml")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [  # RFC 9110, 12.5.3 and 12.4.2
        ("gzip, br", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"),
        ("*", "gzip"),
        ("*;q=0.5", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("gzip ; Q=1", "gzip"),
        ("identity, gzip", "gzip"),
        ("identity", None),
        ("", None),
        ("gzip;q=0", None),
        ("gzip;q=0.000", None),
        ("gzip;q=0, *", None),
        ("*;q=0", None),
        ("br", None),
        ("notgzip", None),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=much", None),
    ],
)
async def test_a_file_is_compressed_for_those_who_take_it(
    hub: Hub, accepted: str, encoding: str | None
) -> None:
    async with hub.client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": accepted}) as script:
        assert script.headers.get("Content-Encoding") == encoding
        assert script.headers["Vary"] == "Accept-Encoding"
        assert int(script.headers["Content-Length"]) < len(SCRIPT) if encoding else True
        assert await script.text() == SCRIPT


@pytest.mark.parametrize(
    ("said", "status"),
    [  # RFC 9110, 13.1.2, with the weak comparison of 8.8.3.2
        ("TAG", 304),
        ("W/TAG", 304),
        ('"other", TAG', 304),
        ('W/"other",W/TAG , "third"', 304),
        ("*", 304),
        (" * ", 304),
        ('"a,b", TAG', 304),
        ('"other"', 200),
        ("", 200),
        ('"TAG"', 200),
        ("w/TAG-not", 200),
        ("untagged", 200),
    ],
)
@pytest.mark.parametrize("path", ["/", "/assets/app-1a2b.js"])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_a_page_that_has_not_changed_is_not_sent_again(
    hub: Hub, said: str, status: int, path: str, accepted: str
) -> None:
    async with hub.client.get(path, headers={"Accept-Encoding": accepted}) as page:
        etag = page.headers["ETag"]
    if said == '"TAG"':
        named = '"' + etag.strip('"') + '-"'
    else:
        named = said.replace("TAG-not", '"not"').replace("TAG", etag)
    for method in ("GET", "HEAD"):
        headers = {"If-None-Match": named, "Accept-Encoding": accepted}
        async with hub.client.request(method, path, headers=headers) as again:
            assert (again.status, again.headers["ETag"]) == (status, etag)  # RFC 9110, 15.4.5
            assert bool(await again.read()) == (status == 200 and method == "GET")


async def test_the_same_file_packed_and_not_has_two_tags(hub: Hub) -> None:
    """RFC 9110, 8.8.3.3."""
    tags = {}
    for accepted in ("gzip", "identity"):
        async with hub.client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": accepted}) as script:
            tags[accepted] = script.headers["ETag"]
    assert tags["gzip"] != tags["identity"]
    headers = {"If-None-Match": tags["gzip"], "Accept-Encoding": "identity"}
    async with hub.client.get("/assets/app-1a2b.js", headers=headers) as script:
        assert script.status == 200


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets", "/assets/../../secret.txt"]
)
async def test_nothing_outside_the_folder_is_served(hub: Hub, path: str) -> None:
    host, port = hub.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"everyone" not in answer


async def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(hub: Hub) -> None:
    async with hub.client.get("/nothing") as page:
        assert (page.status, page.content_type) == (404, "text/html")
    async with hub.client.get("/api/nothing") as problem:
        assert (problem.status, problem.content_type) == (404, "application/problem+json")
    async with hub.client.get("/%3Cscript%3E") as page:
        assert "<script>" not in await page.text()


async def test_without_a_built_page_the_hub_says_so(tmp_path: Path) -> None:
    async with (
        running_hub(tmp_path, Config(), tmp_path / "none") as hub,
        hub.client.get("/") as page,
    ):
        assert (page.status, page.content_type) == (200, "text/html")
        assert "make page" in await page.text()
