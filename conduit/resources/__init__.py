"""One file per kind. Composite kinds expand, leaf kinds render and parse; never both.

A composite module may import the specs of leaf modules; nothing else goes sideways.
"""
