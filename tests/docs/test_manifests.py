"""Every manifest and every conduit.yaml the documentation shows is valid as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
from conduit.providers.base import provider_names
from conduit.resources import load_kinds
from conduit.settings import Settings
from tests.docs.conftest import PAGES, Block, blocks

TESTED_ELSEWHERE = "adding-a-kind.md"
SHOWN = [b for page in PAGES if page.name != TESTED_ELSEWHERE for b in blocks(page) if b.language == "yaml"]

SETTINGS = """\
keys_dir: keys
state_dir: state
caddy: {}
dnsmasq:
  address: 127.0.0.1:53
  conf_file: conduit.conf
  hosts_file: conduit.hosts
  process: {systemd: dnsmasq.service}
nginx: {process: {systemd: nginx.service}}
docker: {}
certs: {copies: {caddy: {dir: copies}, nginx: {dir: nginx-copies}}}
"""


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_it_is_valid(block: Block, tmp_path: Path) -> None:
    kinds = load_kinds()
    found = set(yaml.safe_load(block.text))
    if found <= {*Settings.model_fields, *provider_names()}:
        (tmp_path / "conduit.yaml").write_text(block.text)
        read_settings(tmp_path / "conduit.yaml")
        return
    assert found <= {"vars", *(kind.plural for kind in kinds.values())}, f"{block}: neither manifest nor settings"
    (tmp_path / "conduit.yaml").write_text(SETTINGS)
    (tmp_path / "desired").mkdir()
    (tmp_path / "desired" / "shown.yaml").write_text(block.text)
    assert Engine(read_settings(tmp_path / "conduit.yaml")).load().leaves
