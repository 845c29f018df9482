"""The dependency graph of leaf resources: edges from refs, needs and expansion; cycles as a path of sources. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar, get_args, get_origin

from conduit.errors import Code, Diagnostic
from conduit.model import Key, Ref
from conduit.spec import RefTo, Resource, Spec

CYCLE = Code(
    "CND-0301",
    "dependency cycle",
    "Resources depend on each other in a circle, so there is no order in which they could be applied. The message "
    "walks the circle with the place of each declaration. Remove one `needs` or one reference on it.",
)
MISSING = Code(
    "CND-0302",
    "reference to nothing",
    "A field or a `needs` entry names a resource that no manifest declares. Declare it, correct the name, or remove "
    "the entry. Names are written kind/name in `needs`, for example service/wiki.",
)

Sp = TypeVar("Sp", bound=Spec)
Edges = dict[Key, tuple[Key, ...]]


@cache
def ref_fields(spec_type: type[Spec]) -> tuple[str, ...]:
    """Return the names of the fields of a spec type that may hold a `Ref`."""
    return tuple(
        name for name, field in spec_type.model_fields.items() if any(isinstance(m, RefTo) for m in field.metadata)
    )


@cache
def parts_with_refs(spec_type: type[Spec]) -> tuple[str, ...]:
    """Return the names of the fields of a spec type that hold a tuple of specs which may hold a `Ref`."""
    return tuple(name for name, field in spec_type.model_fields.items() if _of_refs(field.annotation))


def _of_refs(annotation: Any) -> bool:
    inner = get_args(annotation)[:1] if get_origin(annotation) is tuple else ()
    return any(isinstance(each, type) and issubclass(each, Spec) and bool(ref_fields(each)) for each in inner)


def refs(spec: Spec) -> list[Ref]:
    """Return the references in a spec: in its own fields, and in those of the specs it lists."""
    spec_type: type[Spec] = type(spec)
    names, parts = ref_fields(spec_type), parts_with_refs(spec_type)
    found = [ref for name in names if isinstance(ref := getattr(spec, name), Ref)] if names else []
    for part in parts:
        for item in getattr(spec, part):
            found += refs(item)
    return found


def with_refs(spec: Sp, change: Callable[[Ref], Ref]) -> Sp:
    """Return a spec with each of its references changed."""
    names, parts = ref_fields(type(spec)), parts_with_refs(type(spec))
    values: dict[str, Any] = {name: change(ref) for name in names if isinstance(ref := getattr(spec, name), Ref)}
    for part in parts:
        if any(refs(item) for item in getattr(spec, part)):
            values[part] = tuple(with_refs(item, change) for item in getattr(spec, part))
    return spec.model_copy(update=values) if values else spec


def edges(leaves: Mapping[Key, Resource[Any]], children: Mapping[Key, Sequence[Key]]) -> tuple[Edges, list[Diagnostic]]:
    """Return for each leaf that depends on others the leaves it depends on, and what names nothing.

    A `needs` of a declared composite means all of its leaves.
    """
    found: Edges = {}
    problems: dict[tuple[Key, Key], Diagnostic] = {}
    for key, leaf in leaves.items():
        referred = refs(leaf.spec)
        if not referred and not leaf.needs:
            continue
        targets: dict[Key, None] = {}
        for wanted in [*(ref.key for ref in referred), *leaf.needs]:
            if wanted in leaves:
                targets[wanted] = None
            elif wanted in children:
                targets |= dict.fromkeys(children[wanted])
            else:
                problems.setdefault((leaf.root, wanted), missing(leaf, wanted, [*leaves, *children]))
        if targets:
            found[key] = tuple(targets)
    return found, list(problems.values())


def missing(leaf: Resource[Any], wanted: Key, known: Iterable[Key], field: str = "") -> Diagnostic:
    """Return what to say of a reference to something that is not declared; `known` is what there is.

    `field` is the one that refers to it, if that is not one of the leaf's own or `needs`.
    """
    import difflib

    near = difflib.get_close_matches(str(wanted), [str(key) for key in known if key != leaf.root], 1)
    hint = f'did you mean "{near[0]}"?' if near else f"declare {wanted} or remove the reference"
    summary = f"{leaf.root} refers to {wanted}, which is not declared"
    return Diagnostic(MISSING, summary, leaf.source, hint, field=field or _referring(leaf, wanted))


def _referring(leaf: Resource[Any], wanted: Key) -> str:
    """Return which field of its root lets a leaf refer to something, "" when that is no field of its own."""
    if wanted in leaf.needs:
        return "needs"
    spec_type: type[Spec] = type(leaf.spec)
    names = ref_fields(spec_type)
    own = (name for name in names if isinstance(ref := getattr(leaf.spec, name), Ref) and ref.key == wanted)
    found = next(own, "")
    return leaf.from_.get(found, found)


def order(depends: Mapping[Key, Iterable[Key]]) -> list[Key]:
    """Return the keys of a graph, dependencies first, ties in key order. Raises graphlib.CycleError."""
    sorter: TopologicalSorter[Key] = TopologicalSorter(depends)
    sorter.prepare()
    ordered: list[Key] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered += ready
        sorter.done(*ready)
    return ordered


def find_cycle(depends: Edges, leaves: Mapping[Key, Resource[Any]]) -> Diagnostic | None:
    """Return the first dependency cycle as a path of declarations, or None."""
    try:
        order(depends)
    except CycleError as error:
        path = [leaves[key] for key in reversed(error.args[1])]
        steps = list(dict.fromkeys((str(leaf.root), leaf.source) for leaf in path))
        words = " -> ".join([*(name for name, _ in steps), steps[0][0]])
        return Diagnostic(
            CYCLE, f"dependency cycle: {words}", path[0].source, "remove one of the needs", related=tuple(steps)
        )
    return None
