"""Rules, and the alerts that come of them. docs/alerts.md tells how an alert comes to be.

In the order to read it:

    machine, judges    one rule at one metric of one device: a small state machine. Pure
    damping            what flaps is one alert. Pure
    play               a rule played over readings. Pure
    series, post       where readings meet machines, on the path of every reading
    wheel              what waits for a time
    evaluation         which rule looks at which metric; what machines say
    dependence         one alert, not forty, when a gateway is down
    thresholds         the thresholds of a metric as rules
    ledger             alerts: opened, resolved, written, then told
    stream             what happens to alerts, for whoever notifies people
    past               late readings, and going on after a restart, from the history
    trial              what a rule would have said
    rulebook, silences what people set
    alerts             all of it, for compose
"""
