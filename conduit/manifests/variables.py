"""Variables: `vars:` of any manifest fills `{{ name }}` in text, once, with nothing evaluated.

Jinja2 (sandboxed, strict) reads the template; only plain text and plain names are accepted in its syntax tree, and the
tree is joined here instead of being compiled and run. So `{{ 7*7 }}` cannot become 49, and a variable's value is never
read as a template again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from conduit.dialect.complaints import Complaint
from conduit.dialect.compose_profile import FIELD
from conduit.dialect.model_types import FieldPath
from conduit.dialect.scalars import TEMPLATE
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE_REFUSED = Code(
    "CND-0115",
    "a template that is more than variables",
    "Text may hold {{ name }} and nothing else between braces: no filters, attributes, calculations, statements or "
    "comments. Manifests are data; what they say must be readable without running them. For literal braces, put them "
    "in a variable: the value of a variable is never read as a template.",
)
UNDEFINED = Code(
    "CND-0116",
    "an undefined variable",
    "The text names a variable that no `vars:` section of any manifest defines. Define it under `vars:` at the top "
    "level of any manifest, for example desired/vars.yaml, or correct the name.",
)
MIXED = Code(
    "CND-0119",
    "a variable that does not fit into text",
    "A variable in the middle of text must be a text, a number, true or false. One that holds a list, a mapping or "
    "nothing can only stand alone, as the whole value.",
)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[tuple[bool, str], ...]:
    """Split a template into (is a name, text) parts. Raises ValueError when it is more than text and names."""
    from jinja2 import TemplateSyntaxError, nodes

    if "{%" in text or "{#" in text or "\r" in text:
        raise ValueError("only {{ name }} is read; statements and comments are refused")
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        raise ValueError(f"not a template: {error.message}") from None
    parts = []
    for output in tree.body:
        for node in getattr(output, "nodes", [output]):
            if isinstance(node, nodes.TemplateData):
                parts.append((False, node.data))
            elif isinstance(node, nodes.Name):
                parts.append((True, node.name))
            else:
                raise ValueError("only {{ name }} is read; calculations, filters and attributes are refused")
    return tuple(parts)


class Variables:
    """The merged variables of all manifests."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def fill_entry(self, data: Any, problems: list[Complaint]) -> Any:
        """Return the data of a declared name filled in; an application in it has variables of its own."""
        application = data.get(FIELD) if isinstance(data, dict) else None
        if not isinstance(application, dict):
            return self.fill(data, problems)
        rest = {name: value for name, value in data.items() if name != FIELD}
        return self.fill(rest, problems) | {FIELD: application}

    def fill(self, value: Any, problems: list[Complaint], path: FieldPath = ()) -> Any:
        """Return data with every template in its texts filled in; keys stay as they are. Adds to `problems`."""
        if isinstance(value, str):
            return self._text(value, problems, path) if TEMPLATE.search(value) else value
        if isinstance(value, dict):
            return {key: self.fill(item, problems, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, problems, (*path, index)) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, problems: list[Complaint], path: FieldPath) -> Any:
        try:
            parts = _parts(text)
        except ValueError as error:
            hint = "put literal braces into a variable"
            problems.append(Complaint(TEMPLATE_REFUSED, str(error), path, hint))
            return text
        unknown = [part for is_name, part in parts if is_name and part not in self.values]
        if unknown:
            hint = did_you_mean(unknown[0], self.values) or "define it under vars: in any manifest"
            problems.append(Complaint(UNDEFINED, f"the variable {shown(unknown[0])} is not defined", path, hint))
            return text
        if len(parts) == 1:
            return self.values[parts[0][1]]
        return "".join(self._inside(part, problems, path) if is_name else part for is_name, part in parts)

    def _inside(self, name: str, problems: list[Complaint], path: FieldPath) -> str:
        value = self.values[name]
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (str, int, float)):
            return str(value)
        summary = f"the variable {shown(name)} is not text or a number"
        problems.append(Complaint(MIXED, summary, path, "use it as the whole value"))
        return ""
