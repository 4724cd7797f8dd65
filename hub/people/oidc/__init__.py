"""Logging in by a provider of OpenID Connect (Core 1.0): what to ask it, and what to believe. No I/O.

faults       what can be wrong
discovery    what a provider says of itself
attempts     log ins that have begun: state, nonce, PKCE, and the browser they began in
messages     what is asked, and what comes back
signatures   whether a token was signed by the provider
tokens       whether an ID token, or a logout token, is for this hub and this log in
groups       what the groups of a person allow
sealing      keeping what only the browser's own secret opens

The HTTP is in hub/http/oidc. Nothing of this is loaded where no provider is configured.
"""
