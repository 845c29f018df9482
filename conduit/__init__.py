"""conduit: one truthful plan across proxy, DNS, certificates and more, and the pass that makes it true.

The layers, top to bottom (tests/test_architecture.py holds the import direction)::

    cli > engine > apply, manifests, journal, history, lock > resources > providers
        > plan > expand > graph, diff > kind > spec > model, grammar, errors, settings
"""

__version__ = "0.1.0"
