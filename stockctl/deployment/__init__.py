"""What `deploy` and `destroy` do: template, bundle, change set, stack, removal."""
