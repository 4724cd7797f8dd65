"""The intake: the one way in for readings.

inlet    what the intake knows of one device, and the checks of its readings
ingest   accept: checked, published at once, stored, acknowledged
receipts what the intake answers, and how to wait until it is on disk
"""
