"""The worker's web address: events, triggers, health, figures."""
