"""The hub: devices send readings in, dashboards watch them live.

The map, bottom to top; imports point down only, and import-linter holds them there:

    model, errors            frozen values; the few errors, as a tree
    config                   config.toml and HUB__SECTION__KEY, read once, frozen
    formats, keys, settings  bytes -> readings; API keys; what operators may set. Pure
    feed, store              channels and subscriptions, pure; registry (SQLite) and history (DuckDB)
    fleet, presence          every device with its keys and metrics; who is online, stale, offline
    inlet, ingest            what the intake knows of one device; the one way in
    commands, operators      the life of a command; people, sessions, tokens
    system                   the hub's own figures, as readings of a device
    http, mqtt               transports: parse, call, encode. They never import each other
    run, cli                 the composition root; the `hub` command

A reading goes transport -> formats -> ingest -> feed (live) and store (durable), and its
acknowledgement comes back by the same way once the commit that holds it is on disk.
"""

__version__ = "0.1.0"
