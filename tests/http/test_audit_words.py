"""The page says in words what the audit has as method and path."""

import re
from pathlib import Path

from hub.http.api import ENDPOINTS
from hub.http.endpoint import BASE

TABLE = Path(__file__).parents[2] / "web" / "src" / "ui" / "access" / "auditWords.ts"
NOT_REST = {("POST", "login")}


def test_every_phrase_of_the_page_is_for_a_route_that_there_is() -> None:
    phrases = set(re.findall(r'^  "([A-Z]+) ([^" ]+)":', TABLE.read_text(), re.MULTILINE))
    routes = {(one.method, one.path.removeprefix(f"{BASE}/")) for one in ENDPOINTS}

    assert len(phrases) > 20
    assert phrases - routes - NOT_REST == set()
