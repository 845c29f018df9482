"""The directories conduit itself keeps things in, by its settings."""

from __future__ import annotations

from conduit.settings import Settings


def own_directories(settings: Settings) -> tuple[str, ...]:
    """Return conduit's own directories, which no container should reach."""
    from conduit.providers import certs, docker_config

    sections = settings.sections
    pairs = certs.Config.model_validate(sections.get("certs") or {})
    files = docker_config.Config.model_validate(sections.get("docker") or {}).files
    copies = (copy.dir for copy in pairs.copies.values())
    own = (settings.state_dir, settings.keys_dir, pairs.dir, *copies, files)
    return tuple(str(settings.path(each)) for each in own)
