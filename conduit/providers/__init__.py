"""One file per daemon or store: the only place that reads and writes live systems.

A provider thinks in transactions: many changes, one validation, one reload, or a rollback. It knows no kind by name;
kinds find their live objects in its `Reading`.
"""
