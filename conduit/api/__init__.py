"""The REST API: the native part over every kind, and the documented API as a dialect over it.

Handlers are a few lines: they ask the reconciler, edit a manifest, or read a snapshot. Nothing here opens a
transaction with a daemon; that is the reconciler's one thread.
"""
