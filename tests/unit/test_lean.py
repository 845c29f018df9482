"""Libraries imported leanly do all they do otherwise, in a process of its own: what is imported stays imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conduit.lean import CHEAPER

USE = r"""
import fractions, gettext, importlib, inspect, json, platform, re, socket, sys
from dataclasses import dataclass
from typing import Annotated
import annotated_types, click, msgspec, pydantic, typing_extensions, yaml
from pydantic_core import core_schema

def tell(made):
    try:
        print(made())
    except Exception as error:
        print(type(error).__name__, str(error).split("https://")[0])

class Options(typing_extensions.TypedDict, total=False):
    size: typing_extensions.Required[int]

class Model(pydantic.BaseModel):
    name: Annotated[str, annotated_types.Len(2, 5), pydantic.AfterValidator(str.upper)]
    port: int = pydantic.Field(80, ge=1, le=65535, alias="at")
    paths: tuple[pydantic.FilePath, ...] = ()
    options: Options | None = None

tell(lambda: Model(name="wiki", at=8, options={"size": 1}))
tell(lambda: Model(name="w", at=0, paths=["/none"], options={}))
tell(lambda: json.dumps(Model.model_json_schema()))
one = annotated_types.Gt(1)
tell(lambda: (one, [one == annotated_types.Gt(each) for each in (1, 2)], hash(one) == hash(annotated_types.Gt(1))))
tell(lambda: setattr(one, "gt", 2))
tell(lambda: annotated_types.Gt())
tell(lambda: pydantic.AliasPath("a", 1))
tell(lambda: core_schema.CoreConfig(title="wiki"))
tell(lambda: core_schema.str_schema(max_length=3))
tell(lambda: yaml.load("a: 2026-11-30\nb: [yes, 0x10, 1e3, ~, 1:30]\nc: <<", yaml.Loader))
tell(lambda: yaml.load("a: \x07", yaml.Loader))
tell(lambda: yaml.dump({"a": "yes", "b": "1", "c": "text"}))
tell(lambda: dataclass(type("Own", (), {"__annotations__": {"a": int}}))(1))
tell(lambda: type(re.compile("a")))
tell(lambda: pydantic.SecretStr("a") == pydantic.SecretStr("a"))
tell(lambda: msgspec.inspect.type_info(list[int]))
tell(lambda: msgspec.json.schema(msgspec.defstruct("Own", [("a", int)])))
tell(lambda: inspect.getsource(inspect.unwrap))
tell(lambda: socket.socketpair()[0].sendfile(open(json.__file__, "rb")))
tell(lambda: (platform.python_version(), fractions.Fraction("-3/4"), fractions.Fraction("a")))
tell(lambda: gettext.c2py("n != 1")(2))
tell(lambda: click.unstyle(click.style("red", fg="red")))
for name in ("conduit.model", "conduit.providers", "pydantic.main", "pydantic.v1", "conduit.none", "msgspec.none"):
    tell(lambda: importlib.import_module(name))
for name in ("conduit.model", "conduit.resources", "click.core"):
    tell(lambda: [(each.origin, each.cached, each.parent, each.loader.path) for each in [sys.modules[name].__spec__]])
tell(lambda: [(sys.modules[name].__file__, sys.modules[name].__cached__) for name in ("conduit.model", "click.core")])
tell(lambda: inspect.getsource(sys.modules["conduit.model"])[:60])
"""
"""What a program may do with these libraries, printed."""

LOOK = """
import yaml
from typing_extensions import is_typeddict
import annotated_types, click, pydantic
from pydantic_core import core_schema
print(type(yaml.Loader.NON_PRINTABLE).__name__, is_typeddict(core_schema.StringSchema),
      annotated_types.Gt.__eq__.__code__.co_filename == "<string>",
      pydantic.AliasPath.__eq__.__code__.co_filename == "<string>", click.core._ is not str)
"""


def printed(program: str, *, lean: bool) -> str:
    begin = "from conduit.lean import import_leanly\nimport_leanly()\n" if lean else ""
    argv = [sys.executable, "-c", begin + program]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout


def test_they_do_what_they_do_otherwise() -> None:
    lean = printed(USE, lean=True)
    assert lean == printed(USE, lean=False)
    assert "Error" in lean


def test_they_are_imported_without_what_takes_long() -> None:
    assert printed(LOOK, lean=False).split() == ["Pattern", "True", "True", "True", "True"]
    assert printed(LOOK, lean=True).split() == ["_Pattern", "False", "False", "False", "False"]


def test_names_mean_something_else_only_while_they_are_executed() -> None:
    names = "re.compile, typing_extensions.TypedDict, dataclasses._create_fn, gettext.gettext"
    look = (
        f"import re, typing_extensions, dataclasses, gettext\nbefore = {names}\nimport {', '.join(CHEAPER)}\n"
        f"print(before == ({names}))"
    )
    assert printed(look, lean=True) == "True\n"


def test_what_they_import_is_executed_as_everywhere_else(tmp_path: Path) -> None:
    """Regression: gettext was given patterns that `re` does not take, and apprise, which uses it, sent nothing."""
    (tmp_path / "library.py").write_text("import gettext, re\nOWN = re.compile('a')\n")
    use = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from conduit.lean import CHEAPER\nCHEAPER['library'] = CHEAPER['yaml']\n"
        "import library\nprint(type(library.OWN).__name__, library.gettext.c2py('n != 1')(2))\n"
    )
    assert printed(use, lean=True) == "_Pattern 1\n"
    assert printed(use, lean=False) == "Pattern 1\n"


def test_a_library_that_has_moved_on_is_imported_as_everywhere_else() -> None:
    gone = "import dataclasses\ncreate = dataclasses._create_fn\ndel dataclasses._create_fn\n"
    back = "try: import annotated_types\nexcept NameError as error: print(error)\n"
    assert printed(gone + back, lean=True) == printed(gone + back, lean=False)
