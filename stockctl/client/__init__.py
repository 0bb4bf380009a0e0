"""What an operator's machine asks of a running stack: HTTP API, receipts, level stream, logs, health, failures."""
