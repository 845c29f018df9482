"""From files under desired/ to declared resources with positions: reading, the YAML dialect, variables, validation.

Reads files only; no daemon is touched here.
"""
