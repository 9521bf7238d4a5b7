"""The music library, without Notion: identity, download, conversion, analysis, tags, filing, index, verification.

A ground floor: it imports nothing of Segue but itself. Its records (``model``) are small and JSON-able, so that a
worker may keep them as checkpoints; audio itself never leaves the disk. The public faces are ``core.library.Library``
(every step as one method), ``model`` and ``errors``; ``wiring`` builds a library from plain settings.
"""
