"""Transport: readings from an outside broker (Mosquitto, EMQX …), by aiomqtt.

bridge    the hub's place there: takes in, acknowledges after the commit, connects again
client    one connection
target    which broker, as whom, and what is subscribed to: `[broker]`, checked. Pure
address   where the broker is. Pure
topics    which topics are devices'. Pure
"""
