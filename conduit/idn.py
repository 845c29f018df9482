"""International domain names: to A-labels and no look-alikes. Pure; imported only for names that are not plain ASCII.

A label is refused when it mixes scripts, or when all its non-ASCII letters imitate ASCII ones, written in Unicode or
as `xn--`. Nothing is mapped: what IDNA 2008 (RFC 5891) does not allow as it stands, such as `ﬀ`, is an error.
"""

from __future__ import annotations

import unicodedata

import idna

LOOK_ALIKES = frozenset("асԁеһіјӏорԛѕԝхуҽѵαγικνορυχıɑɡɩ")
"""Letters that pass for an ASCII letter (Unicode TS 39, the part that IDNA allows)."""

_TOGETHER = ({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"}, {"HANGUL", "CJK"})
"""Scripts that one language writes side by side."""

_COMMON = {"COMBINING", "DIGIT", "MIDDLE", "ZERO"}
"""First words of the names of characters that belong to no script."""


def to_ascii(text: str) -> str:
    """Return a domain name as A-labels. Raises ValueError, its message a predicate, for what the rules refuse."""
    return ".".join(_label(label) for label in text.split("."))


def _label(label: str) -> str:
    if label.isascii() and not label.startswith("xn--"):
        return label
    try:
        unicode_label = idna.ulabel(label)
        ascii_label = idna.alabel(unicode_label).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"is not a valid international name: {error}") from None
    _refuse_look_alikes(unicode_label)
    return ascii_label


def _refuse_look_alikes(label: str) -> None:
    scripts = {_script(character) for character in label} - _COMMON
    if len(scripts) > 1 and not any(scripts <= group for group in _TOGETHER):
        raise ValueError(f"mixes {' and '.join(sorted(script.title() for script in scripts))} letters in one label")
    foreign = [character for character in label if not character.isascii()]
    if all(character in LOOK_ALIKES for character in foreign):
        raise ValueError("looks like another name: its letters imitate ASCII ones")


def _script(character: str) -> str:
    """Return the script of a character as the first word of its Unicode name; Python has no script property."""
    if character.isascii():
        return "LATIN" if character.isalpha() else "DIGIT"
    return unicodedata.name(character, "UNKNOWN").split()[0]
