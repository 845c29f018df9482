"""A mapping some of whose values are made only when somebody asks for one of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import TypeVar, cast

from conduit.model import Key

V = TypeVar("V")


class Later(Mapping[Key, V]):
    """All keys in their order; in place of a value that is not made yet stands the root it is made from.

    `make` returns all that is made from a root; of several threads one makes it.
    """

    def __init__(self, values: dict[Key, V | Key], make: Callable[[Key], Mapping[Key, V]]) -> None:
        self._values, self._make, self._making = values, make, RLock()

    def __getitem__(self, key: Key) -> V:
        """Return a value, made now if need be. Raises KeyError for a key that is none of these."""
        value = self._values[key]
        return self._made(key) if isinstance(value, Key) else value

    def _made(self, key: Key) -> V:
        with self._making:
            value = self._values[key]
            if isinstance(value, Key):
                made = self._make(value)
                self._values |= made
                return made[key]
            return value

    def __contains__(self, key: object) -> bool:
        """Tell whether there is a value, without making it."""
        return key in self._values

    def __iter__(self) -> Iterator[Key]:
        """Yield all keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)


def later(values: dict[Key, V | Key], make: Callable[[Key], Mapping[Key, V]]) -> Mapping[Key, V]:
    """Return a mapping of values; that which was given, and is quicker, when all of them are made."""
    made = not any(isinstance(value, Key) for value in values.values())
    return cast("dict[Key, V]", values) if made else Later(values, make)
