from collections.abc import Collection

from hub.model import Principal
from hub.people.accounts import Accounts
from hub.people.operators import Operators
from hub.people.tokens import Tokens


async def forget_other_providers(
    issuers: Collection[str], accounts: Accounts, operators: Operators, tokens: Tokens
) -> None:
    """Let nobody in any more by a provider that is not configured any more. Raises StoreError.

    For a hub that serves: a command on the same store may be run without its configuration.
    """
    for one in accounts.all():
        if one.issuer is not None and one.issuer not in issuers:
            await accounts.lapse(one.name)
            await tokens.revoke_beyond(Principal(one.name, ()))
            await operators.end_sessions(one.name)
