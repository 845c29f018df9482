"""image: what containers run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace
from pydantic import ValidationError

from conduit.change import Action, Diff, FieldChange
from conduit.compose.dangerous import danger_of_context
from conduit.compose.paths import absolute, is_remote
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.model import Live, Native
from conduit.providers.docker_image_form import build, wish_of
from conduit.providers.docker_look import has_image
from conduit.providers.host_paths import host_paths
from conduit.resources.image_spec import ImageSpec, Pin
from conduit.spec import Resource

NO_CONTEXT = Code(
    "CND-1522",
    "a build context that cannot be read",
    "The directory an image is built from, its Dockerfile or its .dockerignore is missing, cannot be read, or is too "
    "large. What it is built from decides whether an image is built anew, so nothing is planned without it. Correct "
    "`build:`, or leave out what is not needed in .dockerignore.",
)
DANGEROUS = Code(
    "CND-1523",
    "a build that reads the host",
    "The directory an image is built from is part of the host's system or one of conduit's own, also through a link, "
    "so that what is in it could end up in the image. Name another directory, or write `dangerous: true` in the image "
    "when that is what you mean.",
)
MEANS: Final = ("dangerous", "pull_policy")
"""Fields that are no part of what an image is."""
PLACE: Final = "build.context"
"""Where the directory lies that an image is built from; what is in it is `content`."""


class Image(Kind[ImageSpec]):
    """An image that containers run, fetched by its reference or built from a directory.

    It gets a name of conduit's own, which stays with it when a tag moves on: that is an update which may be had, and no
    difference. It is fetched or built anew when what is declared changes, and built anew when its directory does.
    """

    name = "image"
    plural = "images"
    spec = ImageSpec
    provider = "docker"
    permission = "images"
    pins = True

    def complete(self, resource: Resource[ImageSpec], look: Look) -> Resource[ImageSpec]:
        """Find out what an image is built from."""
        spec = resource.spec
        if spec.build is None or is_remote(spec.build.context):
            return resource
        try:
            directory = absolute(spec.build.context, str(look.settings.base), None)
            if resource.parent is None and not spec.dangerous:
                _refuse_dangerous(resource, directory, look)
            content = look.files.context(Path(directory), spec.build.dockerfile)
        except (OSError, ValueError) as error:
            summary = f"{resource.key}: the build context {spec.build.context}: {_words(error)}"
            raise ConduitError(Diagnostic(NO_CONTEXT, summary, resource.source)) from None
        build = spec.build.model_copy(update={"context": directory})
        return replace(resource, spec=spec.model_copy(update={"build": build, "content": content}))

    def render(self, spec: ImageSpec, ctx: Context) -> Native:
        """Return what the image is asked to be."""
        return build(spec.model_dump())

    def parse(self, native: Native) -> ImageSpec | None:
        """Return the spec an image was asked for by; None when nothing tells any more."""
        return ImageSpec.parsed(native)

    def same(self, want: Resource[ImageSpec], native: Native, live: Live, ctx: Context) -> Diff | None:
        """Compare the hash of what was asked for, which the name of an image carries, and the image it has to be."""
        plain = want.spec.model_copy(update={"pin": None})
        diff = None if wish_of(native) == live.status["wish"] else self.explain(plain, native, live.native, ctx)
        pin = want.spec.pin
        if pin is None or pin.id == live.status["image"]:
            return diff
        moved = FieldChange("pin", live.status["image"], pin.id)
        return Diff((*diff.fields, moved), diff.raw) if diff else Diff((moved,))

    def explain(self, spec: ImageSpec, native: Native, live: Native, ctx: Context) -> Diff:
        """Show what differs, but for fields that say how an image is got: no image tells how it was."""
        diff = super().explain(spec, native, live, ctx)
        hidden = (*MEANS, PLACE) if spec.content else MEANS
        shown = tuple(field for field in diff.fields if field.path not in hidden)
        return replace(diff, fields=shown) if shown else diff

    def pin(self, live: Live) -> Any:
        """Return the image, and how its registry knows it."""
        return {"wish": live.status["wish"], "id": live.status["image"], "digest": live.status["digest"]}

    def pinned(self, want: Resource[ImageSpec], pin: Any, ctx: Context) -> tuple[Resource[ImageSpec], str]:
        """Return the wish for the image of an earlier run, if the same was asked for then and it can be had."""
        try:
            found = Pin.model_validate(pin)
        except ValidationError:
            return want, ""
        if found.wish != wish_of(self.render(want.spec, ctx)):
            return want, ""
        if not found.digest and not has_image(ctx.reading, found.id):
            instead = "it is built again" if want.spec.build else "what its reference stands for now is taken"
            return want, f"{found.id}, which it was then, is gone and in no registry; {instead}"
        return replace(want, spec=want.spec.model_copy(update={"pin": found})), ""

    def assign(
        self, want: Resource[ImageSpec], live: Live | None, diff: Diff, ctx: Context
    ) -> tuple[Resource[ImageSpec], Mapping[str, Any]]:
        """Tell the id of an image that has to be just that one."""
        return want, {"id": want.spec.pin.id} if want.spec.pin else {}

    def action(self, want: Resource[ImageSpec], live: Live, diff: Diff) -> Action:
        """Another image takes the place of this one; only its protection can be changed."""
        return Action.UPDATE if [change.path for change in diff.fields] == ["protect"] else Action.REPLACE


def _refuse_dangerous(resource: Resource[ImageSpec], directory: str, look: Look) -> None:
    words = danger_of_context(directory, host_paths(look))
    if words:
        hint = "name another directory, or write dangerous: true"
        raise ConduitError(Diagnostic(DANGEROUS, f"{resource.key}: {words}", resource.source, hint))


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
