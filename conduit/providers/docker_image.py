"""Images in Docker: fetched or built, named as ours, and let go when nothing uses them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from conduit.change import Change
from conduit.errors import Diagnostic, Refused
from conduit.model import Key, Live, Native, Reading
from conduit.providers.docker_api import REFUSED, NoReply, told
from conduit.providers.docker_image_form import asked_for, digest_in, fits_platform, version_of, wish_of
from conduit.providers.docker_image_make import fetch, make, no_image
from conduit.providers.docker_image_names import KIND, Named, Names
from conduit.providers.docker_look import Row
from conduit.providers.docker_members import name_of
from conduit.providers.docker_part import InUse, Means, Part, Seen
from conduit.providers.docker_shapes import CONTAINER, IMAGE, IMAGE_DETAIL


class Images(Part):
    """The images that conduit has named; all others are only looked at."""

    kind: ClassVar[str] = KIND

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._names = Names(means.marks.site, means.site.mark)

    def matters(self, row: Row) -> bool:
        """Tell whether an image has a name of ours, so that its details are needed."""
        return any(self._names.read(name, row["Id"]) for name in row["RepoTags"] or ())

    def lives(self, seen: Seen) -> tuple[Live, ...]:
        """Return our names of images, the ones given last first."""
        found = [
            (seen.image_details.get(row["Id"]), self._live(named, name, row, seen))
            for row in seen.images
            for name in row["RepoTags"] or ()
            if (named := self._names.read(name, row["Id"]))
        ]
        return tuple(live for _, live in sorted(found, key=lambda each: -_when(each[0])))

    def _live(self, named: Named, name: str, row: Row, seen: Seen) -> Live:
        names = (name for image in seen.images for name in image["RepoTags"] or ())
        native = asked_for(named.wish, named.version, row, seen.image_details.get(row["Id"]), names)
        reference = native.get("reference")
        digest = digest_in(row["RepoDigests"] or (), reference)
        status = {"image": row["Id"], "wish": named.wish, "gave": named.gave, "digest": digest}
        newer = next((other["Id"] for other in seen.images if reference in (other["RepoTags"] or ())), row["Id"])
        if newer != row["Id"] and not native.get("build"):
            status["update"] = f"{told(str(reference))} is {newer[:19]} by now"
        return Live(named.key, name, native, True, status, {"id": row["Id"]}, protected=named.protected, place=name)

    def apply(self, change: Change, reading: Reading) -> Mapping[str, Any]:
        """Get an image, and give it our name; the earlier one stays until it is pruned."""
        wish, live = wish_of(change.native), change.live
        protect = change.want is not None and change.want.protect
        pin = change.want.spec.pin if change.want else None
        if pin is not None:
            image, gave = self._again(pin.id, pin.digest, change.native["platform"]), False
        elif live is not None and live.status["wish"] == wish:
            image, gave = str(live.status["image"]), bool(live.status["gave"])
        else:
            policy = change.want.spec.pull_policy if change.want else "missing"
            image, gave = self._get(change.native, policy)
            self.site.fail("docker.image.there")
        self._name(Named(change.key, wish, protect, gave, version_of(change.native["reference"])), image)
        self.site.fail("docker.image.named")
        return {"id": image}

    def _get(self, native: Native, policy: str) -> tuple[str, bool]:
        """Return the id of an image, and whether it got the name it was asked for by from us. Raises `Refused`."""
        reference, platform = native["reference"], native["platform"]
        if native["build"] is not None:
            image = make(self.api, native)
            if reference is not None:
                self._tag(image, *reference.rsplit(":", 1))
            return image, reference is not None
        there = self._here(reference, platform)
        if there is not None:
            return there, False
        if policy == "never":
            raise no_image(
                f"{reference} is not here, and pull_policy is never", "load it by hand, or change the policy"
            )
        return self._fetch(reference, platform), True

    def _again(self, image: str, digest: str, platform: str | None) -> str:
        """Return the id of the image an earlier run had, fetched by its digest when it is gone. Raises `Refused`."""
        if self._here(image, None) is None:
            found = self._fetch(digest, platform) if digest else None
            if found != image:
                raise no_image(f"{image} is gone, and cannot be had again", "apply the manifests as they are")
        return image

    def _fetch(self, reference: str, platform: str | None) -> str:
        try:
            fetch(self.api, reference, platform)
        except NoReply:
            there = self._here(reference, platform)
            if there is None:
                raise
            return there
        there = self._here(reference, platform)
        if there is None:
            raise no_image(f"{reference} was fetched, and is not here for {platform or 'this platform'}")
        return there

    def renew(self, live: Live) -> bool:
        """Fetch what an image was fetched by again; return whether that is another one, which then has our name too.

        Raises `Refused`. One that was built here stays as it is. Where no registry has it, another image that was
        given its name by hand is taken.
        """
        reference, platform = live.native.get("reference"), live.native.get("platform")
        if reference is None and not live.native.get("build"):
            raise no_image(f"nobody knows any more what {live.key} was fetched by", "declare it under another name")
        if live.native.get("build"):
            return False
        image = self._renewed(reference, platform, str(live.status["image"]))
        if image == live.status["image"]:
            return False
        self._name(Named(live.key, live.status["wish"], live.protected, True, version_of(reference)), image)
        return True

    def _renewed(self, reference: str, platform: str | None, ours: str) -> str:
        try:
            return self._fetch(reference, platform)
        except Refused:
            there = self._here(reference, platform)
            if there in (None, ours):
                raise
            return str(there)

    def _here(self, reference: str, platform: str | None) -> str | None:
        """Return the id of the image of a name, None when there is none for the platform."""
        detail = self.api.find("images", reference, "json", shape=IMAGE_DETAIL)
        return str(detail["Id"]) if detail and fits_platform(detail, platform) else None

    def _name(self, named: Named, image: str) -> None:
        try:
            tag = self._names.tag(named, image)
        except ValueError as error:
            raise no_image(str(error), "choose a shorter name") from None
        self._tag(image, self._names.repository, tag)

    def _tag(self, image: str, repository: str, tag: str) -> None:
        with suppress(NoReply):
            self.api.post(f"name the image {repository}:{tag}", "images", image, "tag", repo=repository, tag=tag)
        if self._here(f"{repository}:{tag}", None) != image:
            raise no_image(f"the image did not get the name {repository}:{tag}")

    def remove(self, live: Live) -> None:
        """Take our name from an image, and with its last name the image goes; not while a container needs it."""
        image = str(live.status["image"])
        row = next((row for row in self.api.get("images", "json", shape=[IMAGE]) if row["Id"] == image), None)
        if row is None or live.id not in (row["RepoTags"] or ()):
            return
        others = [name for name in row["RepoTags"] if name != live.id]
        reference = live.native.get("reference") if live.status["gave"] else None
        last = not any(self._names.read(name, image) for name in others)
        going = [live.id, *(name for name in others if last and name == reference)]
        rows = self.api.get("containers", "json", shape=[CONTAINER], all="1")
        user = next((each for each in rows if each["ImageID"] == image), None)
        if user and len(going) == 1 + len(others):
            summary = f"{name_of(user)} still uses the image {live.key.name}"
            raise InUse(Diagnostic(REFUSED, summary, hint="remove that container, then apply again"))
        for name in going:
            self._untag(name)
        if user is None:
            self._forget_digests(image)
        self.site.fail("docker.image.removed")

    def _forget_digests(self, image: str) -> None:
        """Let an image without a name go: Docker keeps one for as long as it knows which registry has it."""
        left = self.api.find("images", image, "json", shape=IMAGE_DETAIL)
        for digest in (left["RepoDigests"] or ()) if left and not left["RepoTags"] else ():
            self._untag(digest)

    def _untag(self, name: str) -> None:
        with suppress(NoReply):
            self.api.delete(f"remove the image {name}", "images", name)
        if self._here(name, None) is not None:
            raise no_image(f"the image {name} is still there after it was removed")

    def undo(self, change: Change) -> None:
        """Take the new name back; the earlier image still has its own."""
        self.remove_new(change)

    def remove_new(self, change: Change) -> None:
        """Take back the names of this key that a change gave."""
        earlier = change.live.id if change.live else ""
        for row in self.api.get("images", "json", shape=[IMAGE]):
            for name in row["RepoTags"] or ():
                named = self._names.read(name, row["Id"])
                if named and named.key == change.key and name != earlier:
                    status = {"image": row["Id"], "wish": named.wish, "gave": named.gave}
                    with suppress(InUse):
                        self.remove(Live(Key(KIND, change.key.name), name, change.native, True, status))


def _when(detail: Row | None) -> float:
    """Return when an image was given a name last, in seconds since the epoch."""
    try:
        return datetime.fromisoformat(detail["Metadata"]["LastTagTime"]).timestamp() if detail else 0.0
    except ValueError:
        return 0.0
