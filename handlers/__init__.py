"""One file per task type, and the contract they are written against (``base``)."""
