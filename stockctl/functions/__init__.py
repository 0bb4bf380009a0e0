"""The Lambda handlers, one file each: parse the event, call an operation, answer."""
