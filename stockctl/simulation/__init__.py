"""The simulated kitchen: suppliers deliver, customers order."""
