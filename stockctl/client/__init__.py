"""How a command talks to a running stack: HTTP API, receipts, level stream, logs, health, failures."""
