"""A Notion-compatible server on loopback: the embedded default, the demo and the tests.

A ground floor: it imports nothing of Segue but itself, so that what is proved against it does not lean on shared code.
"""
