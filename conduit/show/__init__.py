"""Plans, reports and diagnostics as lines of text. Pure: no printing, no clock, no terminal.

Whatever a manifest, a daemon or a log says is escaped here before it reaches a terminal, and secrets are masked.
"""
