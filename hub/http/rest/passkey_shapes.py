"""What REST takes and gives of passkeys."""

from typing import Annotated, Any

from pydantic import Field, RootModel

from hub.http.rest.shapes import Asked, Given, OwnName
from hub.http.rest.times import rfc3339
from hub.model import Passkey

# A PublicKeyCredential as its toJSON() has it.
PasskeyShown = Annotated[dict[str, Any], Field(max_length=20)]


class PasskeyLogIn(Asked):
    """A passkey, as it was shown."""

    credential: PasskeyShown


class PasskeyIn(Asked):
    """A passkey to add: what the browser made by the options of a moment ago."""

    name: OwnName
    credential: PasskeyShown


class PasskeyOut(Given):
    """A passkey. Times in RFC 3339."""

    id: str
    name: str
    since: str
    last_used: str | None
    site: str = Field(description="the host for which browsers show it")

    @classmethod
    def of(cls, passkey: Passkey) -> "PasskeyOut":
        """A passkey as REST shows it."""
        used_at = passkey.last_used_at
        return cls(
            id=passkey.id,
            name=passkey.name,
            since=rfc3339(passkey.created_at),
            last_used=None if used_at is None else rfc3339(used_at),
            site=passkey.site,
        )


class PasskeysOut(Given):
    """Oldest first."""

    passkeys: list[PasskeyOut]


class PasskeyOptions(RootModel[dict[str, Any]]):
    """What the browser is asked with: PublicKeyCredential.parse…OptionsFromJSON (WebAuthn level 3, 5.1.9)."""
