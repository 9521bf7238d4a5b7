"""Reads a gap analysis and says what is to be filed: Markdown in, a plan out.

Pure: nothing here knows Notion, reads a file or keeps a state. ``reading.analyse`` finds the gaps and merges what is
one gap in several places; ``planning.plan`` compares them with the rows filed earlier; ``showing`` says both in words.
Called by the *File gaps* handler and the command ``segue file-gaps``.
"""
