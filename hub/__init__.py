"""The hub: devices send readings in, dashboards watch them live.

The map, bottom to top; imports point down only, and import-linter holds them there:

    errors, model, config    the few errors, as a tree; frozen values; config.toml and HUB__SECTION__KEY
    clock                    the time, which never jumps unseen
    logs                     what the hub says of itself
    formats                  bytes -> readings. Pure
    feed                     channels, subscriptions, resume. Pure
    history, registry        readings (DuckDB); devices, keys, people (SQLite). The only ones that know SQL
    intake                   the one way in: accepts readings, checks them
    fleet                    every device with its keys and attributes; who is there; commands; removal
    people                   operators, sessions, tokens
    system                   the hub's own figures, as readings of a device
    listener                 accepting connections: how many, from where, for how long
    websocket, flow          frames and sockets; holding back and acknowledging in order. For every transport
    http, mqtt, bridge       transports: parse, call, encode. They never import each other
    compose, serve           builds the rooms; starts, watches and stops them
    cli                      the `hub` command

A reading goes transport -> formats -> intake -> feed (live) and history (durable), and its
acknowledgement comes back by the same way once the commit that holds it is on disk.
"""

__version__ = "0.1.0"
