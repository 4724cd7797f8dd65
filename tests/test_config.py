"""The configuration: every fault is found and named, the environment stands over the file, the file is
complete.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.config import Config, HttpConfig, load
from hub.config_oidc import OidcProvider
from hub.errors import Invalid
from hub.model import Role
from tests.principals import grant

ROOT = Path(__file__).parents[1]


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def shown(folder: Path, expression: str, **environment: str) -> str:
    """What `load` makes of a config.toml in the folder and an environment, seen by a process of its own."""
    script = (
        "from hub.config import load\n"
        "from hub.errors import Invalid\n"
        f"try: config = load(); print({expression})\n"
        "except Invalid as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.strip()


@pytest.mark.outside
def test_without_file_and_environment_everything_is_at_its_default(tmp_path: Path) -> None:
    assert (
        shown(tmp_path, "config.http.port, config.data_dir, config.socket_path") == "8080 data data/hub.sock"
    )


@pytest.mark.outside
def test_the_file_of_the_working_folder_is_read_and_the_environment_stands_over_it(tmp_path: Path) -> None:
    written(tmp_path, '[http]\nport = 9000\nhost = "::1"\n[store]\npath = "elsewhere"\n')
    found = shown(
        tmp_path,
        "config.http.port, config.http.host, str(config.socket_path)",
        HUB__HTTP__PORT="9001",
    )
    assert found == "9001 ::1 elsewhere/hub.sock"
    found = shown(tmp_path, "config.http.allowed_origins", hub__http__allowed_origins='["https://a"]')
    assert found == "('https://a',)"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("[htp]\nport = 1", ["unknown key htp", "did you mean http?"]),
        ("[http]\nprot = 1", ["unknown key http.prot", "did you mean port?"]),
        ("[http]\nzzzzzzz = 1", ["unknown key http.zzzzzzz", "known are host, port"]),
        ("[http]\nport = 65536\n[mqtt]\nport = 'x'", ["http.port", "got 65536", "mqtt.port", "got 'x'"]),
        ("http = 5", ["http", "got 5"]),
        ("[http]\ntls_cert = 'a.pem'", ["tls_cert and tls_key go together"]),
        *(
            (f'[http]\npublic_url = "{url}"', ["http.public_url", "the whole address is wanted"])
            for url in (
                "/hub",
                "ops.example.org/hub",
                "http://",
                "https://h/hub?a=1",
                "https://h/{a}",
                "ftp://h/",
            )
        ),
        ("[limits]\nreadings_per_s = 0", ["limits.readings_per_s", "greater than 0"]),
        ("[log]\nlevel = 'loud'", ["log.level", "'debug'"]),
        ("[http", ["not TOML"]),
    ],
)
def test_every_fault_of_a_file_is_named_with_what_would_be_right(
    tmp_path: Path, text: str, complaints: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Invalid) as error:
        load(path)
    for complaint in [str(path), *complaints]:
        assert complaint in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(Invalid, match=path.name):
            load(path)
    path = tmp_path / "latin.toml"
    path.write_bytes(b'[store]\npath = "\xe4"')
    with pytest.raises(Invalid, match="not TOML"):
        load(path)


@pytest.mark.outside
@pytest.mark.parametrize(
    ("name", "value", "complaints"),
    [
        ("HUB__HTP__PORT", "1", ["HUB__HTP__PORT names no known section", "did you mean http?"]),
        ("HUB__PORT", "1", ["HUB__PORT names no known section"]),
        ("HUB__HTTP__PROT", "1", ["HUB__HTTP__PROT", "did you mean port?"]),
        ("HUB__HTTP__PORT", "x", ["HUB__HTTP__PORT", "got 'x'"]),
        ("HUB__HTTP__ALLOWED_ORIGINS", "https://a", ["HUB__HTTP__ALLOWED_ORIGINS", "JSON"]),
    ],
)
def test_a_fault_of_the_environment_is_named_as_such(
    tmp_path: Path, name: str, value: str, complaints: list[str]
) -> None:
    written(tmp_path, "[http]\nport = 9000\n")
    found = shown(tmp_path, "'no fault found'", **{name: value})
    for complaint in complaints:
        assert complaint in found
    assert "config.toml" not in found


def test_sections_are_frozen() -> None:
    config = Config()
    with pytest.raises(ValidationError, match="frozen"):
        config.http.port = 1  # type: ignore[misc]


def test_the_shipped_file_loads_and_is_all_defaults() -> None:
    values = tomllib.loads((ROOT / "config.toml").read_text(encoding="utf-8"))
    assert Config(**values).model_dump() == Config().model_dump()


@pytest.mark.parametrize(
    ("url", "path"), [("", ""), ("https://h", ""), ("https://h/", ""), ("http://h:81/a/hub/", "/a/hub")]
)
def test_the_path_below_which_people_open_the_hub_is_that_of_its_public_address(url: str, path: str) -> None:
    assert HttpConfig(public_url=url).base_path == path


COMPANY = """
[[auth.oidc]]
name = "company"
issuer = "https://login.example.org/realms/plant"
client_id = "hub"
mappings = [{ group = "north", role = "operator", labels = ["site=north"] }, { group = "it", role = "admin" }]
"""


def test_a_provider_is_a_table_of_its_own(tmp_path: Path) -> None:
    [provider] = load(written(tmp_path, COMPANY + 'client_secret = "hush"')).auth.oidc
    assert (provider.shown_title, provider.scopes) == ("company", ("openid", "profile", "email"))
    assert [one.grant for one in provider.mappings] == [
        grant(Role.OPERATOR, labels={"site": "north"}),
        grant(Role.ADMIN),
    ]
    assert "hush" not in repr(provider)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("client_id", "clientid", "unknown key auth.oidc.0.clientid; did you mean client_id?"),
        ("role =", "rolle =", "unknown key auth.oidc.0.mappings.0.rolle; did you mean role?"),
        ("https:", "http:", "auth.oidc.0.issuer: the issuer is wanted"),
        ("realms/plant", "?a=1", "auth.oidc.0.issuer: the issuer is wanted"),
        ('"company"', '"a/b"', "auth.oidc.0.name: "),
        ('"operator"', '"root"', "auth.oidc.0.mappings.0.role: "),
        ('"operator"', '"admin"', "auth.oidc.0.mappings.0: an admin is one of the whole hub"),
        ("site=north", "north", "auth.oidc.0.mappings.0: labels: k=v is wanted"),
        ("client_id", 'scopes = ["profile"]\nclient_id', "auth.oidc.0.scopes: "),
        ("client_id", 'client_secret_file = "a"\nclient_id', "client_secret or client_secret_file, not both"),
        ("mappings", "mappings = []\n#", "auth.oidc.0.mappings: "),
        ("[[auth", f'[http]\nhost = "0.0.0.0"\n{COMPANY}[[auth', "two providers have the same name"),
        ("\n[[auth", '\n[http]\nhost = "0.0.0.0"\n[[auth', "auth.oidc: set http.public_url"),
    ],
)
def test_a_fault_of_a_provider_is_named_without_its_secret(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    text = COMPANY.replace("client_id", 'client_secret = "hush"\nclient_id', 1)
    path = written(tmp_path, text.replace(old, new, 1))
    with pytest.raises(Invalid) as error:
        load(path)
    assert complaint in str(error.value)
    assert "hush" not in str(error.value)


@pytest.mark.outside
@pytest.mark.parametrize(
    "value", ['[{"client_secret": "hush"', '[{"client_secret": "hush"}]', '["hush"]', "{}"]
)
def test_a_fault_of_providers_in_the_environment_shows_no_secret(tmp_path: Path, value: str) -> None:
    found = shown(tmp_path, "'no fault found'", HUB__AUTH__OIDC=value)
    assert "HUB__AUTH__OIDC" in found
    assert "client_secret" not in found or "hush" not in found


def test_the_nearest_key_is_looked_for_where_it_would_stand(tmp_path: Path) -> None:
    path = written(tmp_path, '[retention]\noverrides = [{ label = "a=b", raws = 1 }]')
    with pytest.raises(Invalid, match=r"retention\.overrides\.0\.raws; did you mean raw_s\?"):
        load(path)


def test_the_example_of_a_provider_is_right_and_shows_every_key_at_its_default(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "openid.md").read_text(encoding="utf-8").splitlines()
    lines = [line[7:] for line in page if line.startswith(" " * 7)]
    [provider] = load(written(tmp_path, "\n".join(lines))).auth.oidc
    shown_keys = {line.split()[0] for line in lines if re.match(r"\w+ =", line)}
    assert shown_keys >= OidcProvider.model_fields.keys() - {"client_secret"}
    defaults = {name: field.default for name, field in OidcProvider.model_fields.items()}
    for name in ("scopes", "groups_claim", "check_s", "outage_s", "unchecked_s"):
        assert getattr(provider, name) == defaults[name]
