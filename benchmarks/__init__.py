"""What the hub does in a second, and what that costs: see README.md.

ingest     durable readings/s: the rounds, one thing measured at a time
live       what reaches dashboards, how fast, and what they cost (live_subjects, live_senders, live_viewers,
           live_report)
newcomers  thousands of new devices at once, and what the others notice of it
history    a store of 100 million values: asked, grown, started
rules      what rules cost the path of readings, and metrics that are watched for silence
page       what the page costs the browser that shows it (page_browser, page_report)
subjects   what is measured: the hub, and the relay behind Mosquitto
relay      the relay itself
load       the publishers, a process of their own
report     the table of `ingest`
"""
