"""From outlines to resources: kinds, names, variables, reserved keys and specs, with every problem told at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import json
from pydantic import ValidationError

from conduit import grammar
from conduit.dialect.complaints import Complaint, complaints
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, Diagnostic
from conduit.kind import RESERVED, Kind
from conduit.manifests.common import NOTHING, Common, current, unknown_needs
from conduit.manifests.entries import Entry, Section
from conduit.manifests.places import Name, Places
from conduit.manifests.variables import Variables
from conduit.model import Key, Source
from conduit.resources import Kinds
from conduit.settings import Settings
from conduit.settled_root import NONE_SETTLED, SettledRoot, encoded
from conduit.spec import Resource, Spec

UNKNOWN_KIND = Code(
    "CND-0113",
    "an unknown kind",
    "The top-level keys of a manifest are the plural names of kinds, and vars. `conduit kinds` lists them.",
)
DUPLICATE = Code(
    "CND-0114",
    "the same name twice",
    "Two manifests declare the same name of one kind, or the same variable. Which one holds would depend on the order "
    "of files, so both are refused. Rename or remove one.",
)
BAD_NAME = Code(
    "CND-0204",
    "a name that cannot be used",
    "Names appear in DNS, file names and daemons' configuration, so they hold only a-z, 0-9, - and _, up to 63 of "
    "them, and begin with a letter or digit. Names for people belong into a field.",
)
NO_PROVIDER = Code(
    "CND-0206",
    "a resource for a daemon that the settings do not name",
    "Only the daemons that have a section in conduit.yaml are read and changed. A resource that lives on another one "
    "could never take effect. Add the section, or remove the resource.",
)

VARS: Final = "vars"


class Validator:
    """Collects the resources, warnings and problems of all files of one load.

    What is `known` as settled and declared as it was is not validated again; its resource is made when it is asked for.
    """

    def __init__(
        self,
        settings: Settings,
        kinds: Kinds,
        places: Places,
        now: float,
        known: Mapping[Key, SettledRoot] | None = None,
    ) -> None:
        self.resources: dict[Key, Resource[Any] | Key] = {}
        """All that is declared, in order; of what is settled its key alone."""
        self.settled: dict[Key, SettledRoot] = {}
        self.plain: dict[Key, bytes] | None = None if known is None else {}
        """The data, as JSON, of what is declared without variables and reserved keys; None when nobody asks for it."""
        self.warnings: list[Diagnostic] = []
        self.problems: list[Diagnostic] = []
        self._known = known or NONE_SETTLED
        self._sources: dict[Key, Source] = {}
        self._kinds = kinds
        self._providers = settings.sections.keys()
        self._places = places
        self._now = now

    def variables(self, files: Mapping[str, list[Section]]) -> Variables:
        """Return the merged `vars:` of all files; the same variable in two files is a problem."""
        found: dict[str, tuple[Any, Source]] = {}
        for file, sections in files.items():
            for entry in (entry for section in sections if section.plural == VARS for entry in section.entries):
                source = Source(file, entry.line, entry.column)
                if not (entry.name.isidentifier() and entry.name.isascii()):
                    self._bad_name(f"{shown(entry.name)} cannot be the name of a variable", source)
                if entry.name in found:
                    self._duplicate(f"the variable {shown(entry.name)}", source, found[entry.name][1])
                found.setdefault(entry.name, (entry.data, source))
        return Variables({name: value for name, (value, _) in found.items()})

    def section(self, file: str, section: Section, variables: Variables | None) -> None:
        """Validate one section of a file. Without `variables`, names that need some are passed over."""
        if section.plural == VARS:
            return
        if section.plural not in self._kinds.plurals:
            self._unknown_kind(file, section)
            return
        kind = self._kinds[self._kinds.plurals[section.plural]]
        if kind.provider and kind.provider not in self._providers:
            summary = f"{section.plural} live on {kind.provider}, which conduit.yaml does not name"
            hint = f"add the section {kind.provider}: to conduit.yaml, or remove {section.plural}"
            source = Source(file, section.line, section.column)
            self.problems.append(self._places.at(NO_PROVIDER, summary, source, hint))
        for entry in section.entries:
            if variables is not None or not entry.templated:
                self._entry(file, kind, entry, variables)

    def _entry(self, file: str, kind: Kind[Any], entry: Entry, variables: Variables | None) -> None:
        key, source = Key(kind.name, entry.name), Source(file, entry.line, entry.column)
        known = self._known.get(key)
        if known and not entry.templated and key not in self.resources and known.declares(entry.data):
            self.resources[key], self.settled[key], self._sources[key] = key, known, source
            return
        wrong: list[Complaint] = []
        data = variables.fill_entry(entry.data, wrong) if variables and entry.templated else entry.data
        spec, common = (None, NOTHING) if wrong else self._read(kind, source, entry.name, data, wrong)
        told = len(self.problems)
        self.problems += [self._places.tell(complaint, Name(source, kind.plural, entry.name)) for complaint in wrong]
        try:
            grammar.name(entry.name)
        except ValueError as error:
            self._bad_name(f"{shown(entry.name)} cannot be the name of a {kind.name}: {error}", source)
        if key in self.resources:
            self._duplicate(str(key), source, self._source(key))
        elif spec is not None and len(self.problems) == told:
            self.resources[key] = Resource(key, spec, source, None, common.needs, common.protect, common.ignore)
            if self.plain is not None and not entry.templated and common is NOTHING:
                self.plain[key] = encoded(entry.data)

    def _source(self, key: Key) -> Source:
        found = self.resources[key]
        return self._sources[key] if isinstance(found, Key) else found.source

    def made(self, key: Key) -> dict[Key, Resource[Any]]:
        """Return the resource of what is settled, by its key."""
        data = json.decode(self.settled[key].data)
        return {key: Resource(key, self._kinds[key.kind].spec.model_validate(data), self._sources[key])}

    def _read(
        self, kind: Kind[Any], source: Source, name: str, data: Any, wrong: list[Complaint]
    ) -> tuple[Spec | None, Common]:
        """Return the spec, None when `wrong` got complaints about it, and the reserved keys."""
        if not isinstance(data, dict) or RESERVED.isdisjoint(data):
            return _validated(kind.spec, data, kind.name, wrong), NOTHING
        given = {field: data[field] for field in data if field in RESERVED}
        common = _validated(Common, given, kind.name, wrong) or NOTHING
        wrong += unknown_needs(common, self._kinds)
        holding, misdated, expired = current(common.ignore, self._now)
        wrong += misdated
        self.warnings += [self._places.tell(note, Name(source, kind.plural, name), "warning") for note in expired]
        rest = {field: data[field] for field in data if field not in RESERVED}
        return _validated(kind.spec, rest, kind.name, wrong), common.model_copy(update={"ignore": holding})

    def _unknown_kind(self, file: str, section: Section) -> None:
        singular = self._kinds.get(section.plural)
        if singular:
            hint = f'write the plural: "{singular.plural}"'
        else:
            hint = (
                did_you_mean(section.plural, [*self._kinds.plurals, VARS])
                or "`conduit kinds` lists what can be declared"
            )
        summary = f"unknown kind {shown(section.plural)}"
        self.problems.append(self._places.at(UNKNOWN_KIND, summary, Source(file, section.line, section.column), hint))

    def _bad_name(self, summary: str, source: Source) -> None:
        self.problems.append(self._places.at(BAD_NAME, summary, source, "rename it"))

    def _duplicate(self, what: str, here: Source, first: Source) -> None:
        summary = f"{what} is declared here and in {first}"
        self.problems.append(self._places.at(DUPLICATE, summary, here, "rename or remove one", ("first here", first)))


M = TypeVar("M", bound=Spec)


def _validated(model: type[M], data: Any, what: str, wrong: list[Complaint]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        wrong += complaints(error, model, data, what, RESERVED)
        return None
