"""The tables [[auth.oidc]] of the configuration: providers of OpenID Connect by whom people log in."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hub.errors import Invalid
from hub.model import Grant, Role, Scope, checked_grant

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PROVIDERS_MAX = 20
MAPPINGS_MAX = 100  # each gives a grant, and a person has at most so many
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class OidcMapping(BaseModel):
    """What members of a group may: a role, for the devices named and those that carry all of the labels;
    without either for the whole hub.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Annotated[str, Field(min_length=1)]
    role: Literal["viewer", "operator", "manager", "admin"]
    devices: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None  # k=v

    @property
    def grant(self) -> Grant:
        """As a grant. Raises Invalid."""
        if self.devices is None and self.labels is None:
            return Grant(Role(self.role))
        pairs = [label.partition("=") for label in self.labels or ()]
        labels = frozenset((key, value) for key, _, value in pairs)
        return checked_grant(Role(self.role), Scope(frozenset(self.devices or ()), labels))

    @model_validator(mode="after")
    def _can_be_granted(self) -> Self:
        if not all("=" in label for label in self.labels or ()):
            raise ValueError("labels: k=v is wanted")
        try:
            _ = self.grant
        except Invalid as error:
            raise ValueError(str(error)) from error
        return self


class OidcProvider(BaseModel):
    """A provider. `name` is part of the addresses that it has to be told: login/oidc/<name>/callback."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(max_length=60)] = ""  # what people see; "" is the name
    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Annotated[str, Field(repr=False)] = ""  # "" with no file: a client without a secret
    client_secret_file: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"  # a dot leads into an object
    mappings: Annotated[tuple[OidcMapping, ...], Field(min_length=1, max_length=MAPPINGS_MAX)]
    check_s: Seconds = 900.0
    outage_s: Seconds = 14_400.0
    unchecked_s: Seconds = 28_800.0

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, issuer: str) -> str:
        """OpenID Connect Core 1.0, 2: https, without query and fragment. http only to this machine itself."""
        parts = urlsplit(issuer)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not (is_safe and parts.hostname) or re.search(r"[?#\s]", issuer):
            raise ValueError('the issuer is wanted as the provider has it: "https://login.example.org/x"')
        return issuer

    @field_validator("scopes")
    @classmethod
    def _ask_for_an_id_token(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes or not all(re.fullmatch(r"[!#-\[\]-~]+", one) for one in scopes):
            raise ValueError('a list of scopes is wanted, "openid" among them')  # RFC 6749, 3.3
        return scopes

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.client_secret and self.client_secret_file:
            raise ValueError("set client_secret or client_secret_file, not both")
        return self

    @property
    def shown_title(self) -> str:
        """What people see."""
        return self.title or self.name
