"""What the hub does in a second, and what that costs: see README.md.

__main__   the rounds, one thing measured at a time
subjects   what is measured: the hub, and the relay behind Mosquitto
relay      the relay itself
load       the publishers, a process of their own
report     the table
"""
