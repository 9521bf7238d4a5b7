"""The web page of the workspace: databases as tables and boards, live."""
