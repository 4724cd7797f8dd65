"""MQTT 3.1.1 and 5.0 on the wire, sans I/O.

packets   the values
fields    their fields
reasons   the reason codes each packet may have
decode    one packet's body in
encode    one packet out
decoder   a stream of bytes in, packets out
"""
