"""init and completion: the first steps."""

from __future__ import annotations

import json
from pathlib import Path

import click

from conduit.cli.app import App, Command, pass_app
from conduit.errors import Code, ConduitError, Diagnostic

EXISTS = Code(
    "CND-1054",
    "init overwrites nothing",
    "`conduit init` writes a first conduit.yaml, an example manifest and a schema for editors. One of these files is "
    "there already, so nothing was written. Use another directory, or remove the file if it is not needed.",
)

SETTINGS = """\
# How conduit runs on this machine. Exactly the daemons named here are read and changed.
desired: desired
internal_domain: home.arpa
proxy_address: 127.0.0.1   # what the names of services resolve to: the address of this machine in your network

caddy:
  admin: unix//run/caddy/admin.sock   # in /etc/caddy/Caddyfile: { admin unix//run/caddy/admin.sock }
  user: caddy

dnsmasq:
  address: 127.0.0.1:53
  conf_file: /etc/dnsmasq.d/conduit.conf
  hosts_file: /var/lib/misc/conduit.hosts
  user: dnsmasq
  process: {systemd: dnsmasq.service}

certs:
  copies:
    caddy: {dir: /var/lib/caddy/conduit, user: caddy}
"""
EXAMPLE = """\
# yaml-language-server: $schema=../manifest.schema.json
services:
  hello:
    upstream: 10.0.0.5:8080   # becomes https://hello.home.arpa
"""


@click.command(cls=Command)
@pass_app
def init(app: App) -> None:
    """Write a first conduit.yaml and an example manifest here; overwrites nothing.

    \b
    Example:
      conduit init
    """
    from conduit.manifest_schema import manifest_schema
    from conduit.resources import load_kinds

    files = {
        Path("conduit.yaml"): SETTINGS,
        Path("desired/example.yaml"): EXAMPLE,
        Path("manifest.schema.json"): json.dumps(manifest_schema(load_kinds()), indent=2) + "\n",
    }
    for path in files:
        if path.exists():
            raise ConduitError(Diagnostic(EXISTS, f"{path} is there already", hint="nothing was written"))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    app.tell(f"Wrote {', '.join(map(str, files))}.", "Next: edit them, then conduit diff")


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_app
def completion(app: App, shell: str) -> None:
    """Print the completion script of a shell; resource names complete from the manifests.

    \b
    Example:
      conduit completion bash > /etc/bash_completion.d/conduit
    """
    from click.shell_completion import get_completion_class

    from conduit.cli.main import conduit

    found = get_completion_class(shell)
    if found:
        app.console.lines([found(conduit, {}, "conduit", "_CONDUIT_COMPLETE").source().strip("\n")])
