"""The kitchen that orders from suppliers and uses stock."""
