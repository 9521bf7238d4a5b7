"""The ``music`` command: the library without Notion."""
