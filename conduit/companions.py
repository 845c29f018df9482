"""Which roots stand or fall together in one run. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from conduit.change import Change
from conduit.graph import refs
from conduit.model import Key


def companions(root: Key, changes: Iterable[Change], roots: Collection[Key]) -> set[Key]:
    """Return the declared roots whose changes cannot stay when those of `root` are taken back.

    A site that got worse because of the container it now leads to is taken back with that container, and so is every
    other site that was led there by the same run. What several roots share belongs to none of them and stays.
    """
    found, waiting = {root}, [root]
    links = _links(list(changes), roots)
    while waiting:
        for other in links.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found - {root}


def _links(changes: list[Change], roots: Collection[Key]) -> dict[Key, set[Key]]:
    """Return which roots refer to which, in both directions."""
    of = {change.key: change.root for change in changes if change.root in roots}
    links: dict[Key, set[Key]] = {}
    for change in changes:
        for ref in refs(change.want.spec) if change.want and change.key in of else ():
            if ref.key in of:
                links.setdefault(change.root, set()).add(of[ref.key])
                links.setdefault(of[ref.key], set()).add(change.root)
    return links
