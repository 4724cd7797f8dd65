from collections.abc import Mapping

from hub.config_oidc import OidcProvider
from hub.model import Grant
from hub.people.oidc.faults import ProviderWrong


def groups_of(claims: Mapping[str, object], path: str) -> frozenset[str] | None:
    """The groups at a path, such as `realm_access.roles`; None where nothing is there. Raises ProviderWrong.

    A claim whose own name has dots comes first. A single text is one group.
    """
    found: object = claims
    if path in claims:
        found = claims[path]
    else:
        for part in path.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
    if found is None:
        return None
    if isinstance(found, str):
        return frozenset({found})
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ProviderWrong(f"the claim {path} is no list of texts")
    return frozenset(found)


def grants_of(provider: OidcProvider, groups: frozenset[str]) -> tuple[Grant, ...]:
    """What the mappings give members of these groups; several add up, in the order of the configuration."""
    return tuple(dict.fromkeys(one.grant for one in provider.mappings if one.group in groups))
