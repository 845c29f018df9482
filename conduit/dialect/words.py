"""How manifests' own words appear in messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def shown(text: str) -> str:
    """Return user text between quotes, short and without control characters."""
    cut = text if len(text) <= 80 else text[:77] + "..."
    return f'"{cut}"' if cut.isprintable() else ascii(cut)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` was probably meant to be, or nothing when none is near."""
    from difflib import get_close_matches

    spelled = {each.lower(): each for each in sorted(known)}
    near = get_close_matches(word.lower(), spelled, 1)
    return spelled[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the nearest known word, or nothing when none is near."""
    near = nearest(word, known)
    return f'did you mean "{near}"?' if near else ""
