"""What people write, and who is told of it.

    mentions   whom a text names with @
    notes      Notes: on the timelines of devices
    inbox      Inboxes: what waits for each person, alerts too (hub/notify); messages between them

A note is told on the channel of its device (feed/notes), what is in an inbox to all dashboards of that person
(feed/persons). Nobody learns by a mention of a device that they may not see, and nobody limited to a scope
learns who else there is.
"""
