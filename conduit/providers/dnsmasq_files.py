"""The text of conduit's two dnsmasq files: read and checked. Pure.

The hosts file holds plain A and AAAA records, which dnsmasq reads again on SIGHUP; the conf file holds everything else,
which it reads at start only. One line is one record, and `# <resource name> <mark>` behind it says whose it is:

    10.0.0.5 grafana.home.arpa # grafana 5d41402abc4b2a76b971
    cname=wiki.home.arpa,grafana.home.arpa # wiki 9d911017c5925d41402a protected

A name outside the local domains, and every wildcard, has a second line in the conf file, `local=/name/` with a mark of
its own. The first line of each file is its generation, see `Generation`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.patterns import pattern
from conduit.providers.generation import Generation

RECORDS: Final = "dns_record"
HEADER: Final = "# Written by conduit. What is changed here by hand shows up as drift and is put back."

Record = dict[str, Any]
"""A record as JSON-like data: type, name, value, local; priority, weight and port where the type has them."""

Sign = Callable[[str, str, str], str]
"""(resource name, part, object's name) -> our mark for just that."""

_NAME: Final = r"[a-z0-9._-]{1,253}"
_ADDRESS: Final = r"[0-9a-fA-F.:]{2,45}"
_NUMBER: Final = r"[0-9]{1,5}"
_OWNED: Final = pattern(r"(.+) # (\S+) (\S+?)( protected)?")
_HOST: Final = pattern(rf"({_ADDRESS}) ({_NAME})(?: # (\S+) (\S+)( protected)?)?")
_LOCAL: Final = pattern(rf"local=/((?:\*\.)?{_NAME})/")
_ADDN_HOSTS: Final = pattern(r"addn-hosts=(.+)")
_WILDCARD: Final = pattern(rf"address=/(?P<name>\*\.{_NAME})/(?P<value>{_ADDRESS})")
_ELSEWHERE: Final = pattern(rf"(?:address=/|host-record=)(?P<name>{_NAME})[/,](?P<value>{_ADDRESS})")
_FORMS: Final = {
    "CNAME": rf"cname=(?P<name>{_NAME}),(?P<value>{_NAME})",
    "TXT": rf'txt-record=(?P<name>{_NAME}),"(?P<value>(?:[ !#-\[\]-~]|\\["\\]){{0,255}})"',
    "SRV": rf"srv-host=(?P<name>{_NAME}),(?P<value>{_NAME}),"
    rf"(?P<port>{_NUMBER}),(?P<priority>{_NUMBER}),(?P<weight>{_NUMBER})",
    "MX": rf"mx-host=(?P<name>{_NAME}),(?P<value>{_NAME}),(?P<priority>{_NUMBER})",
    "PTR": rf"ptr-record=(?P<name>{_NAME}),(?P<value>{_NAME})",
}


class Entry(Struct, frozen=True):
    """One record as found: the name of its resource (empty for nobody's), what it says, where it stands and how."""

    owner: str
    record: Record
    place: str
    protected: bool = False
    line: str = ""


class Contents(Struct, eq=False):
    """What both files say: our records by resource, others' records, the frame's lines, and lines nobody knows."""

    owned: dict[str, Entry] = {}
    foreign: list[Entry] = []
    addn_hosts: list[str] = []
    local: list[str] = []
    unknown: list[str] = []

    def frame(self) -> dict[str, list[str]]:
        """Return the frame as data; `unknown` holds what only a hand can have written, so the wish has none."""
        return {"addn_hosts": self.addn_hosts, "local": self.local, "unknown": self.unknown}


def is_host(record: Record) -> bool:
    """Whether a record lives in the hosts file: the address of a plain name."""
    return record["type"] in ("A", "AAAA") and record["name"][0] != "*"


def clash(record: Record, names: Mapping[str, set[str]]) -> bool:
    """Whether a record answers what another of `names` (name -> types) answers; a CNAME stands alone."""
    types = names.get(record["name"])
    return types is not None and (record["type"] == "CNAME" or not types.isdisjoint((record["type"], "CNAME")))


def types_of(records: Iterable[Record]) -> dict[str, set[str]]:
    """Return the record types each name has."""
    names: dict[str, set[str]] = {}
    for record in records:
        names.setdefault(record["name"], set()).add(record["type"])
    return names


def read_files(hosts: str, conf: str, places: tuple[str, str], sign: Sign, known: Iterable[Entry] = ()) -> Contents:
    """Read the bodies of both files; `places` are their names for people, who count the generation as line 1.

    A line of the hosts file that one of the `known` entries was read from is not taken apart again.
    """
    contents = Contents()
    local = _read_conf(conf, places[1], contents, sign)
    _read_hosts(hosts, places[0], contents, sign, local, {entry.line: entry for entry in known if entry.line})
    for owner, name in local.items():
        if owner not in contents.owned or contents.owned[owner].record["name"] != name:
            contents.unknown.append(f"{places[1]}: local=/{name}/")
    if contents.foreign:
        names = types_of(entry.record for entry in contents.owned.values())
        for entry in [entry for entry in contents.foreign if clash(entry.record, names)]:
            contents.foreign.remove(entry)
            contents.unknown.append(f"{entry.place}: {_shown(entry.record)} answers for a record of ours")
    return contents


def _read_hosts(
    text: str, file: str, contents: Contents, sign: Sign, local: Mapping[str, str], known: Mapping[str, Entry]
) -> None:
    for number, line in enumerate(text.split("\n"), 2):
        entry, place = known.get(line), f"{file}:{number}"
        if entry and entry.record["local"] == (local.get(entry.owner) == entry.record["name"]):
            _own(contents, entry if entry.place == place else replace(entry, place=place))
        elif match := _HOST.fullmatch(line):
            value, name, owner, mark, protected = match.groups("")
            record = {
                "type": "AAAA" if ":" in value else "A",
                "name": name,
                "value": value,
                "local": bool(local) and local.get(owner) == name,
            }
            _take(contents, sign, Entry(owner, record, place, bool(protected), line), mark)
        elif line and line != HEADER:
            contents.unknown.append(f"{place}: {line[:200]}")


def _read_conf(text: str, file: str, contents: Contents, sign: Sign) -> dict[str, str]:
    """Read the conf file; returns the names kept from being forwarded, by the resource whose mark is on the line."""
    lines = [(number, *_owner(line)) for number, line in enumerate(text.split("\n"), 2) if line and line != HEADER]
    local: dict[str, str] = {}
    for _, body, owner, mark, _ in lines:
        if owner and (match := _LOCAL.fullmatch(body)) and sign(owner, "local", match[1]) == mark:
            local[owner] = match[1]
    for number, body, owner, mark, protected in lines:
        if record := read_record(body):
            record["local"] = local.get(owner) == record["name"]
            _take(contents, sign, Entry(owner, record, f"{file}:{number}", protected), mark)
        elif not owner and (match := _LOCAL.fullmatch(body)):
            contents.local.append(match[1])
        elif match := _ADDN_HOSTS.fullmatch(body):
            contents.addn_hosts.append(match[1])
        elif body != f"local=/{local.get(owner)}/":
            contents.unknown.append(f"{file}:{number}: {body[:200]}")
    return local


def _owner(line: str) -> tuple[str, str, str, bool]:
    """Split a line into what it says, its resource, the mark, and whether that resource is protected."""
    match = _OWNED.fullmatch(line)
    return (match[1], match[2], match[3], bool(match[4])) if match else (line, "", "", False)


def part_of(record: Record, protected: bool) -> str:
    """Return the part of a resource that a record's mark signs; protection is signed with it."""
    return f"{record['type']} protected" if protected else record["type"]


def _take(contents: Contents, sign: Sign, entry: Entry, mark: str) -> None:
    """File a record as ours when its mark holds, else as a stranger's. A second line of one resource is nobody's."""
    owner, record, protected = entry.owner, entry.record, entry.protected
    if not (owner and sign(owner, part_of(record, protected), record["name"]) == mark):
        if record["type"] in ("A", "AAAA") and not _is_address(record["value"]):
            contents.unknown.append(f"{entry.place}: {_shown(record)}")
        else:
            contents.foreign.append(Entry("", record | {"local": False}, entry.place))
    else:
        _own(contents, entry)


def _own(contents: Contents, entry: Entry) -> None:
    if entry.owner in contents.owned:
        contents.unknown.append(f"{entry.place}: {_shown(entry.record)} is a second record of {entry.owner}")
    else:
        contents.owned[entry.owner] = entry


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def _shown(record: Record) -> str:
    return f"{record['type']} {record['name']} {record['value']}"


def read_record(line: str) -> Record | None:
    """Read one line of a conf file that conduit could have written; None for any other."""
    if match := _WILDCARD.fullmatch(line):
        return _address_record(match)
    for rtype, form in _FORMS.items():
        if match := re.fullmatch(form, line):
            numbers = {name: int(match[name]) for name in match.groupdict() if name not in ("name", "value")}
            return {"type": rtype, "name": match["name"], "value": unquote(match["value"]), **numbers, "local": False}
    return None


def _address_record(match: re.Match[str]) -> Record:
    value = match["value"]
    return {"type": "AAAA" if ":" in value else "A", "name": match["name"], "value": value, "local": False}


def read_elsewhere(text: str, file: str) -> Iterator[Entry]:
    """Read the records of somebody else's conf file, as far as they are easy to read."""
    for number, line in enumerate(text.splitlines(), 1):
        body = line.partition(" #")[0].strip()
        match = _ELSEWHERE.fullmatch(body)
        if record := _address_record(match) if match else read_record(body):
            yield Entry("", record, f"{file}:{number}")


def quote(text: str) -> str:
    """Quote a TXT value: dnsmasq undoes `\\"` and `\\\\` between quotes, and hides `,` and `#` there."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """Undo the escapes of `quote`."""
    return re.sub(r"\\(.)", r"\1", text)


def hosts_seal(name: str, generation: Generation) -> str:
    """Return the first line of the hosts file: the generation as the address of `name`."""
    return ":".join(re.findall("....", str(generation))) + f" {name}\n"


def conf_seal(name: str, generation: Generation) -> str:
    """Return the first line of the conf file: the generation as the text of `name`."""
    return f'txt-record={name},"{generation}"\n'


def unseal(text: str, name: str) -> tuple[str, Generation | None]:
    """Split a file into its body and the generation it says it has, wherever a hand may have moved that line."""
    found = text.rfind(name)
    if found < 0:
        return text, None
    start, end = text.rfind("\n", 0, found) + 1, text.find("\n", found) + 1 or len(text)
    digits = re.sub(r"[^0-9a-f]", "", text[start:end].replace(name, "").replace("txt-record", ""))
    return text[:start] + text[end:], Generation.read(digits)
