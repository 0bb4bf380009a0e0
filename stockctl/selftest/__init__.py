"""The self-test: runs the service's promises, one after the other, against a stack of its own, and measures it."""
