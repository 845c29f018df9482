"""How often one may try to log in: per account, so that no password is guessed, and per address, so that few are."""

from __future__ import annotations

import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ACCOUNT: Final = 5
PER_ADDRESS: Final = 20
"""Attempts in a minute."""
TOLD_PER_ADDRESS: Final = 1
TOLD: Final = 60
"""Refusals in a minute that are worth a record, from one address and in all: whoever floods fills nothing."""


class Throttle:
    """Counts attempts. An account counts under its name whether it exists or not."""

    def __init__(self, per_account: int = PER_ACCOUNT, per_address: int = PER_ADDRESS) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._account, self._address = RateLimitItemPerMinute(per_account), RateLimitItemPerMinute(per_address)
        self._told, self._told_address = RateLimitItemPerMinute(TOLD), RateLimitItemPerMinute(TOLD_PER_ADDRESS)

    def wait(self, account: str, address: str) -> int:
        """Count an attempt and return 0, or return the seconds until the next one is taken."""
        for allowance, sort, name in ((self._address, "address", address), (self._account, "account", account)):
            if not self._limiter.hit(allowance, sort, name):
                free_at = self._limiter.get_window_stats(allowance, sort, name).reset_time
                return max(1, min(60, round(free_at - time.time())))
        return 0

    def is_news(self, address: str) -> bool:
        """Return whether a refusal of an address is to be recorded; the next ones within a minute are not."""
        return self._limiter.hit(self._told_address, "told", address) and self._limiter.hit(self._told, "told")

    def forgive(self, account: str) -> None:
        """Forget the attempts of an account whose owner got in."""
        self._limiter.clear(self._account, "account", account)
