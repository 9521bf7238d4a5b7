"""What stands on the volumes: scan, SQLite index, JSON export."""
