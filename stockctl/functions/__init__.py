"""Lambda handlers, one file each: parse the event, call the domain and the adapters."""
