"""From files under desired/ to declared resources with positions: reading, variables, validation.

Reads files only; no daemon is touched here.
"""
