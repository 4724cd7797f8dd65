"""People, and the programs that act for them.

rule         who may do what: the one decision
operators    people: one-time links, browser sessions
tokens       what programs come in with
names        what people and tokens may be called
"""
