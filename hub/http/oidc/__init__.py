"""Logging in by a provider of OpenID Connect: the HTTP. What to believe of it is said in hub/people/oidc.

client      asks a provider: within a time, up to a size, following nobody
provider    one provider: its document and keys kept for a while, its answers judged
admission   what its word changes in the hub: who may come in, with what
login       the way of a browser to a provider and back
rechecks    asking again, for as long as a session is used
logout      logging out there too, and being told that somebody has

Nothing of this is loaded where no provider is configured.
"""
