"""What REST takes and gives of people, and of the programs that act for them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from hub.errors import Invalid
from hub.http.rest.passkey_shapes import PasskeyOut, PasskeyShown
from hub.http.rest.shapes import IS_NUMBER, Asked, Given, LabelQuery, OwnName
from hub.model import Grant, Principal, Right, Role, Scope, TokenKind, checked_grant
from hub.model.principal import SCOPE_MAX
from hub.people.accounts import GRANTS_MAX
from hub.people.names import NAME_MAX
from hub.people.passwords import LENGTH_MAX, LENGTH_MIN
from hub.people.rule import RIGHTS

Grantable = Literal["viewer", "operator", "manager", "admin"]
LABEL_MAX = 600
Password = Annotated[str, Field(min_length=LENGTH_MIN, max_length=LENGTH_MAX)]


class ScopeIn(Asked):
    """Some of the devices: those named, and those that carry all of the labels."""

    devices: list[str] = Field([], max_length=SCOPE_MAX)
    labels: list[Annotated[LabelQuery, Field(max_length=LABEL_MAX)]] = Field(
        [], max_length=SCOPE_MAX, description="k=v; a device has to carry all of them"
    )

    def read(self) -> Scope:
        """The scope that is meant. Raises Invalid."""
        for label in self.labels:
            if "=" not in label:
                raise Invalid(f"scope.labels: k=v is wanted, got {label[:100]!r}", "scope.labels")
        labels = (label.partition("=") for label in self.labels)
        return Scope(frozenset(self.devices), frozenset((key, value) for key, _, value in labels))


class ScopeOut(Given):
    """As it was given."""

    devices: list[str]
    labels: list[str]

    @classmethod
    def of(cls, scope: Scope | None) -> "ScopeOut | None":
        """A scope as REST shows it."""
        if scope is None:
            return None
        return cls(
            devices=sorted(scope.devices), labels=sorted(f"{key}={value}" for key, value in scope.labels)
        )


class GrantOut(Given):
    """A role for the devices of a scope; null: for the whole hub."""

    role: Role
    scope: ScopeOut | None

    @classmethod
    def of(cls, grant: Grant) -> "GrantOut":
        """A grant as REST shows it."""
        return cls(role=grant.role, scope=ScopeOut.of(grant.scope))


class GrantIn(Asked):
    """A role, for the devices of a scope; without one, for the whole hub."""

    role: Grantable
    scope: ScopeIn | None = None

    def read(self) -> Grant:
        """The grant that is meant. Raises Invalid."""
        return checked_grant(Role(self.role), None if self.scope is None else self.scope.read())


class OperatorChange(Asked):
    """What of a person is to change: a role with its scope, or several grants, which add up; the password."""

    role: Grantable | None = None
    scope: ScopeIn | None = None
    grants: Annotated[list[GrantIn], Field(min_length=1, max_length=GRANTS_MAX)] | None = None
    password: Password | None = None


class OperatorIn(OperatorChange):
    """A person to add; without a password they come by a link."""

    name: OwnName


class OperatorOut(Given):
    """A person; `role` and `scope` are the first of the grants."""

    name: str
    role: Role
    scope: ScopeOut | None
    grants: list[GrantOut]
    has_password: bool
    issuer: str | None = Field(description="the provider that says what they may; null: the hub itself")
    passkeys: list[PasskeyOut]
    created_at: str = Field(description="RFC 3339")


class OperatorsOut(Given):
    """By name."""

    operators: list[OperatorOut]


class ProviderOut(Given):
    """Another service that knows who somebody is."""

    name: str
    url: str = Field(description="where the browser goes to log in by it, relative to the page")


class WaysOut(Given):
    """How people may log in, besides by a one-time link."""

    password: bool
    passkey: bool = Field(description="whether somebody has one, and browsers let this address use it")
    providers: list[ProviderOut]


class LoggedOut(Given):
    """Where a session came from a provider that has such a place."""

    url: str = Field(description="where the browser logs out at the provider too")


class LogIn(Asked):
    """A person's name and password."""

    name: Annotated[str, Field(max_length=NAME_MAX)]
    password: Annotated[str, Field(max_length=LENGTH_MAX)]


class ConfirmIn(Asked):
    """Who somebody is, once more: one of the two."""

    password: Annotated[str, Field(max_length=LENGTH_MAX)] | None = None
    credential: PasskeyShown | None = None


class PasswordChange(Asked):
    """One's own password; `old` may be left out where there is none yet."""

    old: Annotated[str, Field(max_length=LENGTH_MAX)] | None = None
    new: Password


class SessionRow(Given):
    """A browser that is logged in. Times in RFC 3339, null where an earlier version did not note it."""

    id: str
    is_this: bool = Field(description="whether it is the one that asks")
    origin: str = Field(description="how they came in: link, password, passkey, oidc:<provider>")
    address: str | None
    browser: str | None = Field(description="as it calls itself (User-Agent)")
    created_at: str | None
    used_at: str | None = Field(description="to the hour")
    expires_at: str


class SessionsOut(Given):
    """Oldest first."""

    sessions: list[SessionRow]


class TokenIn(Asked):
    """A token to make; without a scope it is for all devices, without rights it has those of its role."""

    name: OwnName
    role: Grantable = "viewer"
    rights: Annotated[list[Right], Field(min_length=1)] | None = None
    scope: ScopeIn | None = None
    devices: Annotated[list[str], Field(min_length=1, max_length=SCOPE_MAX)] | None = Field(
        None, description="the same as a scope with these devices"
    )
    ttl_s: Annotated[
        float,
        Field(gt=0, allow_inf_nan=False, description="at most auth.token_max_s, and 3600 for a JWT"),
        IS_NUMBER,
    ]
    kind: TokenKind = Field(TokenKind.OPAQUE, description="jwt: signed, for embedding")

    def grant(self) -> Grant:
        """What is asked for. Raises Invalid."""
        if self.devices is not None and self.scope is not None:
            raise Invalid("devices: name them in the scope", "devices")
        asked = self.scope if self.devices is None else ScopeIn(devices=self.devices)
        grant = checked_grant(Role(self.role), None if asked is None else asked.read())
        beyond = sorted(set(self.rights or ()) - RIGHTS[grant.role])
        if beyond:
            raise Invalid(f"rights: the role {grant.role} does not have {', '.join(beyond)}", "rights")
        return grant


class TokenNew(Given):
    """A token that was just made, the only time it is seen: Authorization: Bearer <token>."""

    id: str
    token: str
    expires_at: str = Field(description="RFC 3339")


class TokenOut(Given):
    """A token, without its secret. Times in RFC 3339."""

    id: str
    kind: TokenKind
    name: str
    owner: str = Field(description="who made it")
    role: Role
    scope: ScopeOut | None
    rights: list[Right] | None = Field(description="no more than these; null: those of the role")
    created_at: str
    expires_at: str
    last_used_at: str | None
    last_used_from: str | None
    revoked_at: str | None


class TokensOut(Given):
    """Oldest first, those that are over too, for a while."""

    tokens: list[TokenOut]


class LinkIn(Asked):
    """A link for whom."""

    name: OwnName = "admin"


class LinkOut(Given):
    """A link that logs in one browser, once."""

    link: str
    url: str = Field(description="the same")
    expires_at: str = Field(description="RFC 3339")


class SessionOut(Given):
    """Who is asking, what they may do, and what a page that tells people how to connect a device needs."""

    name: str
    role: Role = Field(description="of several grants, the highest")
    scope: ScopeOut | None = Field(description="of that grant; null: the whole hub")
    grants: list[GrantOut]
    rights: list[Right] = Field(description="all that may be done, somewhere")
    origin: str = Field(
        description="how they came in: link, password, passkey, oidc:<provider>, token, local"
    )
    confirmed_until: float | None = Field(
        description="ms UTC: until when keys, tokens and people may be changed without another proof; null: "
        "always"
    )
    confirm_by: list[str] = Field(
        description="what can be shown for it: password, passkey; nothing: a new log in"
    )
    roles: dict[Role, list[Right]] = Field(description="what each role may, within its scope")
    mqtt_port: int | None = Field(description="where devices find MQTT without TLS; null where that is off")


def shown_principal(principal: Principal) -> Mapping[str, object]:
    """What a principal may, and what roles there are, by the names of SessionOut."""
    best = max(principal.grants, key=lambda grant: len(RIGHTS[grant.role]))
    rights = frozenset[Right]().union(*(RIGHTS[grant.role] for grant in principal.grants))
    limit = rights if principal.rights is None else principal.rights
    return {
        "name": principal.name,
        "role": best.role,
        "scope": ScopeOut.of(best.scope),
        "grants": [GrantOut.of(grant) for grant in principal.grants],
        "rights": sorted(rights & limit),
        "roles": {role: sorted(RIGHTS[role]) for role in Role},
    }
