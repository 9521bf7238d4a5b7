"""Reads what the system before Segue left on disk and says what could be taken over: files in, a plan out.

Nothing here knows Notion, and nothing on disk is written, moved or deleted. ``reading.read`` understands trigger files,
writes that never reached Notion and volume indexes; ``planning.plan`` compares them with the rows as they are and makes
one proposal for each; ``showing`` says both in words. Called by the *Import earlier system* handler and by the command
``segue import-earlier``.
"""
