"""Telling people of alerts. docs/notification.md says what routes, targets and deliveries are.

In the order to read it:

    planner     what is to be told to whom, and when: from changes of alerts, routes and the time. Pure
    drafts      a plan while it is made, over what waits already
    texts       titles and bodies, with placeholders. Pure
    backoff     when a message that failed is tried again. Pure
    senders     how a message leaves: a webhook, Apprise, a person's inbox
    by_apprise  Apprise, in threads; loaded when the first message goes by it
    addresses   which addresses the hub may send to. Pure
    outbox      sends what is due: a lane for each target, so that a slow one delays no other
    notifier    targets and routes, and all of it, for compose

A change of an alert becomes deliveries in one transaction with the note that it was taken. So a hub that is
killed at any moment goes on where it was: nothing is lost, and nothing is planned twice. What was on its way
out when it was killed is sent again, with the same key.
"""
