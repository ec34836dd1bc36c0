r"""ES modules joined to one script, without comments and needless spaces: what a phone fetches instead of thirty files.

A module becomes a function that is called at once and returns what the module exports, so names of two modules never
meet; an import becomes an assignment from what another returned, and modules follow those that they import:

>>> sources = {"a.js": "export const one = 1;", "b.js": 'import { one } from "./a.js";\nwindow.two = one + 1;'}
>>> print(joined("b.js", sources))
const $a=(()=>{const one=1;return{one};})();const $b=(()=>{const{one}=$a;window.two=one+1;return{};})();export{$a,$b};

Understood are the forms in which the modules here are written: each import and export begins a line, nothing is
exported by default, and no module imports itself by way of others. Spaces and comments are taken away by ``rjsmin``,
which changes no name and no token. Every script exports each module's names under ``$`` and the module's, beside the
entry's own exports, so that the tests run what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import rjsmin

_COMMENT: Final = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
"""Whole lines, which may hold an example that looks like code."""
_NAMED: Final = re.compile(r"""^import \{([^}]*)\} from ["']\./(\w+)\.js["'];$""", re.MULTILINE)
_WHOLE: Final = re.compile(r"""^import \* as (\w+) from ["']\./(\w+)\.js["'];$""", re.MULTILINE)
_PASSED: Final = re.compile(r"""^export \{([^}]*)\} from ["']\./(\w+)\.js["'];$""", re.MULTILINE)
_LATER: Final = re.compile(r'\bimport\("\./(\w+)\.js"\)')
_DEFINED: Final = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_LISTED: Final = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_LEFT: Final = re.compile(r"^(?:import|export)\b", re.MULTILINE)


def joined(entry: str, sources: Mapping[str, str]) -> str:
    """The script of the module ``entry`` and of all that it imports, by their names in ``sources``.

    What it imports only when it is wanted stays apart, as a script of its own by the name that ``script_name`` gives.
    """
    sources = {name: _COMMENT.sub("", source) for name, source in sources.items()}
    order: list[str] = []
    _visit(entry, sources, order, ())
    modules = "\n".join(_module(name, sources[name]) for name in order)
    own = ", ".join(exports(sources[entry]))
    named = f"export const {{ {own} }} = {_called(entry)};\n" if own else ""
    return shortened(f"{modules}\n{named}export {{ {', '.join(map(_called, order))} }};")


def shortened(source: str) -> str:
    """A script without its comments and needless spaces.

    Behind words such as ``of`` a regular expression would be taken for a division, and lose its spaces.
    """
    short: str = rjsmin.jsmin(source)
    return short


def script_name(entry: str) -> str:
    """What the script of a module is served as."""
    return entry.removesuffix(".js") + ".min.js"


def exports(source: str) -> dict[str, str]:
    """The names that a module exports, and what each stands for in a script."""
    defined = [name for _, name in _DEFINED.findall(source)]
    listed = [name for found in _LISTED.findall(source) for name, _ in _pairs(found)]
    passed = [(name, other, at) for found, at in _PASSED.findall(source) for other, name in _pairs(found)]
    return {name: name for name in defined + listed} | {name: f"{_called(at)}.{other}" for name, other, at in passed}


def _visit(name: str, sources: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    """Add a module to the order, behind all that it imports."""
    assert name not in above, f"{name} imports itself"
    if name not in order:
        for form in (_NAMED, _WHOLE, _PASSED):
            for _, other in form.findall(sources[name]):
                _visit(f"{other}.js", sources, order, (*above, name))
        order.append(name)


def _module(name: str, source: str) -> str:
    """A module as a function's call, its imports and exports as plain assignments."""
    given = ", ".join(one if one == what else f"{one}: {what}" for one, what in exports(source).items())
    body = _NAMED.sub(lambda found: f"const {{ {_taken(found[1])} }} = {_called(found[2])};", source)
    body = _WHOLE.sub(lambda found: f"const {found[1]} = {_called(found[2])};", body)
    body = _LATER.sub(lambda found: f'import("./{script_name(found[1])}")', body)
    for form in (_LISTED, _PASSED):
        body = form.sub("", body)
    body = _DEFINED.sub(r"\1 \2", body)
    assert not _LEFT.search(body), f"{name} has an import or export of another form"
    return f"const {_called(name)} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();"


def _called(name: str) -> str:
    """What a module's exports are called in a script."""
    return "$" + name.removesuffix(".js")


def _taken(listed: str) -> str:
    """The names of an import as those of an assignment: ``a: b`` for ``a as b``."""
    return ", ".join(one if one == other else f"{one}: {other}" for one, other in _pairs(listed))


def _pairs(listed: str) -> list[tuple[str, str]]:
    """Each name between braces, and what it is called on the other side."""
    names = [one.split(" as ") for one in listed.split(",") if one.strip()]
    return [(one[0].strip(), one[-1].strip()) for one in names]
