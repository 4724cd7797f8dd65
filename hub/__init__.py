"""The hub: devices send readings in, dashboards watch them live.

The map, bottom to top; imports point down only, and import-linter holds them there:

    errors, model, config    the few errors, as a tree; frozen values; config.toml and HUB__SECTION__KEY
    config_oidc, config_faults   of that, the tables [[auth.oidc]], and what is wrong in words
    private_files            that nobody but their owner reads the stores
    logs                     what the hub says of itself
    clock                    the time, which never jumps unseen
    timers                   sleeping until it is time to look again, all at once
    formats                  bytes -> readings. Pure
    feed                     channels, subscriptions, resume. Pure
    history, registry        readings (DuckDB); devices, keys, people (SQLite). The only ones that know SQL
    intake                   the one way in: accepts readings, checks them
    fleet                    every device with its keys and attributes; who is there; commands; removal
    alerts                   rules, and the alerts that come of them
    people                   operators, sessions, tokens
    notify                   who is told of alerts, and by what: routes, messages, retries
    notes                    what people write to each other and on devices; what waits for each of them
    host                     what the system knows of this process and its disks
    system                   the hub's own figures, as readings of a device
    places                   how many connections may be open, from where, for how long
    listener                 accepting them
    tls                      the hub's certificate, read again when it is told to
    websocket, flow          frames and sockets; holding back and acknowledging in order. For every transport
    http, mqtt, bridge       transports: parse, call, encode. They never import each other
    compose_notify           builds notify of what knows nothing of each other
    compose, serve           builds the rooms; starts, watches and stops them
    cli                      the `hub` command

The way of a reading, from the device to the page, in the order to read it:

    mqtt       server, connection, codec: bytes become packets; protocol, gathering: what they mean
    formats    json: bytes -> readings
    intake     accept, checks: checked, and in one turn of the loop published and appended
    feed       channel, viewer: encoded once, and pending for those who watch
    http       live/socket, live/writer: one frame for each viewer
    the page   web/src/live/connection.ts, where frames arrive; web/src/main.tsx, where it begins

What the intake appends to history/batch goes into history/journal, by a thread of its own. Then flow
acknowledges, in the order in which the device sent. Within a minute history/duckdb/folding brings what the
journal has into the file.
"""

__version__ = "0.1.0"
