from hub.errors import HubError, Refused


class ProviderSilent(HubError):
    """The provider does not answer, or says that it cannot. It may be tried again."""

    code = "provider_silent"


class ProviderWrong(Refused):
    """What came from the provider, or in its name, is not to be believed."""

    code = "provider_wrong"


class UnknownKey(ProviderWrong):
    """A token names a key that is not among those known: there may be new ones."""


class ProviderRefused(Refused):
    """The provider says no: to this code, to this refresh token, to this person."""

    code = "provider_refused"


class NoEntry(Refused):
    """The provider says who it is, and no mapping lets them in. `called` is what people call them."""

    code = "no_entry"

    def __init__(self, message: str, called: str) -> None:
        super().__init__(message)
        self.called = called


class NotBegunHere(Refused):
    """The log in was not begun in this browser, is over, or was used before."""

    code = "not_begun_here"
