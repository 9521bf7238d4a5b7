"""Notion at the edge: one typed client, and databases declared as frozen dataclasses.

A ground floor: it knows Notion and nothing of music or of the worker. ``client`` is the only importer of
the client library. Property types are never assumed: encoding and decoding follow the live schema, binding
is by property id.
"""
