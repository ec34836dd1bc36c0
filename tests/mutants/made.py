"""Mutants: a source file with one thing changed that a test should notice, made from the file's syntax tree.

What is changed, one at a time: a condition becomes true or false; one part of an `and` or `or` goes, or a `not`; a
comparison shifts by its bound or turns round; arithmetic turns round; a whole number grows by one; a string or bytes
constant gets a letter more; a call whose result nobody takes, a `raise` and a `+=` are left out; `break` and `continue`
change places. Left as they are: docstrings, annotations, messages (what stands inside `raise` and f-strings, and
strings with a space in them), and `assert`, which states what cannot be otherwise.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
_COUNTED = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "&",
    ast.Pow: "*",
}
_LEFT = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where it stands (`within` is the qualified name of the function or class), and the new source."""

    line: int
    within: str
    in_function: bool
    old: str
    new: str
    source: str

    @property
    def removes(self) -> bool:
        """Whether something is not done any more: a check, most of the time."""
        return self.new in {"pass", "False"} and self.old not in {"True", "False"}

    @property
    def title(self) -> str:
        """How the list of equivalents names it: without the line, which moves."""
        return f"{self.within or '(module)'}: {_short(self.old)} -> {_short(self.new)}"


def _short(text: str) -> str:
    return " ".join(text.split())


def mutants(source: str) -> list[Mutant]:
    """Every mutant of one file, in the order of its lines; each compiles."""
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[tuple[int, int, str], Mutant] = {}
    for node, new, where in _changes(ast.parse(source), _Where("", in_function=False), source):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        old = raw[begin:end].decode()
        text = f"({new})" if isinstance(node, ast.expr) else new
        mutated = (raw[:begin] + text.encode() + raw[end:]).decode()
        if old != new and (begin, end, new) not in found:
            compile(mutated, "mutant", "exec")
            found[begin, end, new] = Mutant(node.lineno, where.name, where.in_function, old, new, mutated)
    return [found[place] for place in sorted(found)]


@dataclass(frozen=True, slots=True)
class _Where:
    name: str
    in_function: bool

    def inner(self, node: ast.AST) -> _Where:
        if not isinstance(node, Function | ast.ClassDef):
            return self
        function = self.in_function or isinstance(node, Function)
        between = ".<locals>." if self.in_function else "."
        return _Where(f"{self.name}{between}{node.name}" if self.name else node.name, in_function=function)


Change = tuple[ast.stmt | ast.expr, str, _Where]


def _changes(node: ast.AST, within: _Where, source: str) -> Iterator[Change]:
    """What can be changed in a node and below it: the node, its new text, the function or class around it."""
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.Raise):
        if isinstance(node, ast.Raise):
            yield node, "pass", within
        return
    for new in _texts(node, source):
        assert isinstance(node, ast.stmt | ast.expr)
        yield node, new, within
    yield from _tests(node, within)
    for child in _children(node):
        yield from _changes(child, within.inner(child), source)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """The children that mean something when running; no docstring, annotation, decorator, default or type."""
    skipped: set[int] = set()
    if isinstance(node, Function):
        kept: list[ast.AST] = list(node.body)
    elif isinstance(node, ast.AnnAssign):
        kept = [] if node.value is None else [node.value]
    elif isinstance(node, ast.ClassDef):
        kept = list(node.body)
    else:
        kept = list(ast.iter_child_nodes(node))
    for child in kept:
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            skipped.add(id(child))
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            skipped.add(id(child))
        if isinstance(child, ast.Call) and ast.unparse(child.func) in {"cast", "TypeVar"}:
            skipped.add(id(child))
    return (child for child in kept if id(child) not in skipped and not isinstance(child, _LEFT))


def _tests(node: ast.AST, within: _Where) -> Iterator[Change]:
    """Conditions, made true and false; parts of them, left out."""
    if isinstance(node, ast.If | ast.IfExp):
        yield node.test, "True", within
        yield node.test, "False", within
    if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant):
        yield node.test, "False", within
    if isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield test, "True", within
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            yield part, str(isinstance(node.op, ast.And)), within


def _texts(node: ast.AST, source: str) -> Iterator[str]:
    """The other texts of one node."""

    def text(part: ast.AST) -> str:
        return ast.get_source_segment(source, part) or ""

    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = text(node.left), text(node.comparators[0])
        yield from (f"{left} {other} {right}" for other in _COMPARED[type(node.ops[0])])
    elif isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for at, operator in enumerate(node.ops):
            signs = [_sign(one) for one in node.ops]
            signs[at] = _COMPARED[type(operator)][0]
            tail = (f" {sign} {text(one)}" for sign, one in zip(signs, operands[1:], strict=True))
            yield text(node.left) + "".join(tail)
    elif isinstance(node, ast.BinOp) and type(node.op) in _COUNTED:
        yield f"{text(node.left)} {_COUNTED[type(node.op)]} {text(node.right)}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield text(node.operand)
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    else:
        yield from _statements(node)


def _sign(operator: ast.cmpop) -> str:
    return ast.unparse(ast.Compare(ast.Name("a"), [operator], [ast.Name("b")]))[2:-2]


def _constants(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield repr(not value)
    elif isinstance(value, int):
        yield repr(value + 1)
    elif isinstance(value, str) and " " not in value:
        yield repr(value + "x")
    elif isinstance(value, bytes):
        yield repr(value + b"x")


def _statements(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)):
        yield "pass"
    elif isinstance(node, ast.Break):
        yield "continue"
    elif isinstance(node, ast.Continue):
        yield "break"
