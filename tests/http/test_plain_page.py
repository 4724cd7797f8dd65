"""Pages of text that the hub writes itself."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.http.conftest import Hub


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/login?code=used", 401, "<code>hub login</code>"),
        ("/login", 401, "<code>hub login</code>"),
        ("/nothing", 404, "There is nothing at /nothing."),
        ("/%3Cscript%3E", 404, "There is nothing at /&lt;script&gt;."),
        ("/", 200, "<code>make page</code>"),  # this hub has no page that was built
    ],
)
async def test_its_style_is_within_and_all_that_its_policy_lets_in(
    hub: Hub, path: str, status: int, says: str
) -> None:
    async with hub.client.get(path) as response:
        assert (response.status, response.content_type) == (status, "text/html")
        text, policy = await response.text(), response.headers["Content-Security-Policy"]
    assert says in text
    [style] = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert re.findall(r"<script|style=|src=", text) == []


async def test_a_link_that_no_longer_works_leads_to_the_page(hub: Hub) -> None:
    async with hub.client.get("/login?code=used") as response:
        assert '<a href="./">Open the hub</a>' in await response.text()
