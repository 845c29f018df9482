"""Applications of the Compose Specification: read, checked, and brought to one normal form. Pure but for `files`."""
