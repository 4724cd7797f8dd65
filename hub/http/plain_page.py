"""A page of a few sentences, in the look of the hub's page.

It needs no script, and no page that was built.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

# The colours are those of web/src/styles/tokens.css, which need not be there.
STYLE = """
:root {
  color-scheme: light dark;
  --page: light-dark(#f3f5f8, #0e1116); --panel: light-dark(#ffffff, #161a21);
  --line: light-dark(#dfe3e9, #2b323d); --text: light-dark(#16191e, #e7ebf0);
  --accent: light-dark(#0b57d0, #84b5ff); --on-accent: light-dark(#ffffff, #0a1a33);
}
body {
  margin: 0; padding: 1rem; min-height: 100vh; box-sizing: border-box; display: grid; place-items: center;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main {
  max-width: 32rem; padding: 1.5rem 2rem 2rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--panel);
}
h1 { margin: 0 0 0.75rem; font-size: 1.3rem; line-height: 1.3; }
p { margin: 0 0 0.75rem; overflow-wrap: anywhere; }
code {
  padding: 0.1em 0.4em; border-radius: 5px; background: var(--page);
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
a, button {
  display: inline-block; margin-top: 0.5rem; padding: 0.5rem 1rem; border: 0; border-radius: 7px;
  background: var(--accent); color: var(--on-accent); font: inherit; text-decoration: none; cursor: pointer;
}
a:focus-visible, button:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
"""
# The style is named by its digest (CSP Level 3, 2.3.1), so that no other one in the page would work.
_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action "
)
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%230b57d0'/%3E"
    "%3Cpath d='M2 9h3l2-5 3 8 2-3h2' fill='none' stroke='%23fff' stroke-width='1.6'/%3E%3C/svg%3E"
)


class Button(NamedTuple):
    """Sends a form by POST, without a script."""

    text: str
    action: str  # where to, relative to the page
    fields: Mapping[str, str]  # what is sent


def plain_page(
    status: HTTPStatus,
    title: str,
    *paragraphs: str,
    link: tuple[str, str] | None = None,
    button: Button | None = None,
) -> web.Response:
    """A page with a title and paragraphs, with code in `backquotes`.

    `link` is its text, and where it leads.
    """
    text = "".join(f"<p>{_marked(paragraph)}</p>\n" for paragraph in paragraphs)
    if link is not None:
        text += f'<a href="{escape(link[1])}">{escape(link[0])}</a>\n'
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": f"{POLICY}'none'"}
    if button is not None:
        text += _form(button)
        headers["Content-Security-Policy"] = f"{POLICY}'self'"
        # With the policy of all other answers, no-referrer, browsers would send "Origin: null" (Fetch, 3.2).
        headers["Referrer-Policy"] = "strict-origin"
    return web.Response(
        status=status.value,
        text=(
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<title>{escape(title)}</title>\n<link rel="icon" href="{_ICON}">\n'
            f"<style>{STYLE}</style>\n</head>\n"
            f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{text}</main>\n</body>\n</html>\n"
        ),
        content_type="text/html",
        headers=headers,
    )


def _form(button: Button) -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in button.fields.items()
    )
    return (
        f'<form method="post" action="{escape(button.action)}">{fields}'
        f'<button type="submit">{escape(button.text)}</button></form>\n'
    )


def _marked(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
