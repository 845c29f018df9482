"""What the services that are on make use of; the rest of an application is not made. Pure."""

from __future__ import annotations

from conduit.compose.application import Application


def with_what_is_used(application: Application) -> Application:
    """Return an application without networks, volumes, secrets and configs that no service uses."""
    services = application.services.values()
    used: dict[str, set[str | None]] = {
        "networks": {*(network for service in services for network in service.networks)},
        "volumes": {mount.source for service in services for mount in service.volumes if mount.type == "volume"},
        "secrets": {*(file.source for service in services for file in service.secrets)},
        "configs": {*(file.source for service in services for file in service.configs)},
    }
    kept = {
        section: {name: found for name, found in getattr(application, section).items() if name in names}
        for section, names in used.items()
    }
    return application.model_copy(update=kept)
