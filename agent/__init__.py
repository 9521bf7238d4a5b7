"""The worker: polls, submits, runs, judges, reports."""
