from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.config_oidc import LOOPBACK
from hub.people.oidc.faults import ProviderWrong


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    sends_issuer: bool  # with each answer to a browser (RFC 9207)
    secret_in_body: bool  # the client's secret is not taken in a header


def discovery_url(issuer: str) -> str:
    """Where the document of an issuer is (Discovery 1.0, 4.1)."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def read_discovery(issuer: str, document: object) -> Metadata:
    """The document, if it is this issuer's and it can do what the hub asks. Raises ProviderWrong."""
    if not isinstance(document, dict):
        raise ProviderWrong("its discovery document is not an object")
    if document.get("issuer") != issuer:  # exactly: Discovery 1.0, 4.3
        raise ProviderWrong(f"its discovery document is of the issuer {_shown(document.get('issuer'))}")
    for name, needed in (("response_types_supported", "code"), ("code_challenge_methods_supported", "S256")):
        if not _allows(document, name, needed):
            raise ProviderWrong(f"it does not offer {needed}: {name} lacks it")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer,
        _needed(document, "authorization_endpoint"),
        _needed(document, "token_endpoint"),
        _needed(document, "jwks_uri"),
        _endpoint(document, "userinfo_endpoint"),
        _endpoint(document, "end_session_endpoint"),
        document.get("authorization_response_iss_parameter_supported") is True,
        isinstance(methods, list) and "client_secret_basic" not in methods,
    )


def _allows(document: Mapping[str, object], name: str, needed: str) -> bool:
    """Whether it is in the list; what is not said is allowed."""
    listed = document.get(name)
    return listed is None or (isinstance(listed, list) and needed in listed)


def _needed(document: Mapping[str, object], name: str) -> str:
    found = _endpoint(document, name)
    if found is None:
        raise ProviderWrong(f"its discovery document has no {name}")
    return found


def _endpoint(document: Mapping[str, object], name: str) -> str | None:
    """An address by TLS, or on this machine if the issuer is there too."""
    url = document.get(name)
    if url is None:
        return None
    if isinstance(url, str):
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ProviderWrong(f"{name} is no address: {_shown(url)}") from None
        is_http = parts.scheme == "http" and str(document["issuer"]).startswith("http:")
        is_local = is_http and parts.hostname in LOOPBACK
        if parts.hostname and not parts.fragment and (parts.scheme == "https" or is_local):
            return url
    raise ProviderWrong(f"{name} is no address by https: {_shown(url)}")


def _shown(value: object) -> str:
    return repr(value)[:200]
