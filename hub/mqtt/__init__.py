"""Transport: MQTT 3.1.1 and 5.0, the hub's own server. The way of a publish, forward:

server          listens, and owns every task
connection      one client's bytes: in to the codec, out to the network; the times it has to keep
codec/          bytes <-> packets. Sans I/O
protocol        what each packet means, from CONNECT to the end. Sans I/O
publishing      what one client publishes: readings are gathered, the rest is asked for. Sans I/O
gathering       the readings of one chunk: to formats, to the intake, and back as acknowledgements. Sans I/O

admission       what a CONNECT asks for, and what is agreed on. Pure
session_state   what outlives a connection: subscriptions, messages not settled yet. Pure
kept_sessions   the sessions without a connection, and their wills. Pure
clients         who is connected, and who was
topics          the topics of one device. Pure
subscriptions   which of them a device may subscribe to. Pure
delivery        what goes down to one client: commands, attributes, answers. Sans I/O
link            what moves the bytes, as the protocol sees it
packet_writer   packets as this client takes them. Pure
requests        what a device asks for that takes a while: its key checked, attributes, commands
wills           what is published for a client that is gone
tasks           what runs beside the connections
"""
