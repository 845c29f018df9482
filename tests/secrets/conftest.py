"""A site's keys and its secrets store in a directory of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.providers.keys import open_keys
from conduit.providers.secrets import Secrets, open_secrets
from conduit.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(keys_dir=str(tmp_path / "keys"), state_dir=str(tmp_path / "state"))


@pytest.fixture
def store(settings: Settings) -> Secrets:
    return open_secrets(settings, open_keys(settings))
