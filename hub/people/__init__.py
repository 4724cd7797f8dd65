"""People, and the programs that act for them.

rule         who may do what: the one decision
accounts     people: what each may, and their passwords
operators    how they come in: one-time links, browser sessions
passwords    Argon2id
passkeys     WebAuthn
challenges   what a passkey has to sign
tokens       what programs come in with
audit        what they did, and what was refused them
provided     who came by a provider that is not configured any more
names        what people and tokens may be called
oidc         logging in by a provider of OpenID Connect. Pure
"""
