"""The one way YAML is read: from bytes to plain data that knows where it was written, and what is wrong with it."""
