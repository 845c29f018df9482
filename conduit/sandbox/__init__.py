"""Private daemons for the quick start and the tests: real ones, on loopback, as the current user, in one directory.

Nothing here plans or applies. A module starts one sort of daemon and says how conduit.yaml names it.
"""
