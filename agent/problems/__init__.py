"""Issues that file, count and resolve themselves; changes of the databases among them."""
