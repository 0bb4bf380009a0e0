"""Single edits of a Python file: a comparison turned round, a number off by one, a call left out, ..."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
FOR_PEOPLE = {"debug", "info", "warning", "error", "exception"}
"""Methods of loggers: what they are given is not judged."""


@dataclass(frozen=True)
class Edit:
    """One edit: the file below `stockctl/`, the line, what it says before and after, and the whole file after it."""

    path: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}  {self.before}  ->  {self.after}"


def count_of_edits(source: str) -> int:
    """How many edits a file has. Docstrings, annotations, log lines and texts for people are left as they are."""
    return sum(1 for _ in _places(ast.parse(source)))


def edit_of(path: str, source: str, number: int) -> Edit:
    """One of the edits of a file, which are numbered from 0."""
    tree = ast.parse(source)
    node, before, change = next(islice(_places(tree), number, None))
    after = change()
    return Edit(path, node.lineno, before, after, ast.unparse(ast.fix_missing_locations(tree)))


Place = tuple["ast.expr | ast.stmt", str, Callable[[], str]]


def _places(tree: ast.Module) -> Iterator[Place]:
    for node in _judged(tree):
        yield from _places_in(node)


def _judged(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that run and matter."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_left_out(child):
                yield child
                yield from _judged(child)


def _is_left_out(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))) if name in FOR_PEOPLE:
            return True
    return False


def _places_in(node: ast.AST) -> Iterator[Place]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in SWAPPED:
            yield node, ast.unparse(node), lambda: _with(node, "ops", [SWAPPED[type(operator)]()])
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign() if type(node.op) in SWAPPED:
            yield node, ast.unparse(node), lambda: _with(node, "op", SWAPPED[type(node.op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node, ast.unparse(node), lambda: _as(node, ast.Call(ast.Name("bool"), [node.operand], []))
        case ast.If() | ast.While() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
            yield node, f"if {ast.unparse(node.test)}", lambda: _negated(node)
        case ast.Constant():
            yield from _places_in_constant(node)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield node, ast.unparse(node), lambda: _with(node, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Break() | ast.Continue():
            yield node, ast.unparse(node), lambda: _as(node, ast.Pass())
        case ast.Call(keywords=[*_, last]) if last.arg:
            yield node, ast.unparse(node), lambda: _with(node, "keywords", node.keywords[:-1])


def _places_in_constant(node: ast.Constant) -> Iterator[Place]:
    value = node.value
    match value:
        case bool():
            yield node, repr(value), lambda: _with(node, "value", not value)
        case int() | float():
            yield node, repr(value), lambda: _with(node, "value", value + 1)
        case str() if value and " " not in value:  # with a space it is for people
            yield node, repr(value), lambda: _with(node, "value", f"{value}X")


def _with(node: ast.AST, field: str, value: object) -> str:
    setattr(node, field, value)
    return ast.unparse(node)


def _negated(node: ast.If | ast.While | ast.IfExp) -> str:
    node.test = ast.UnaryOp(ast.Not(), node.test)
    return f"if {ast.unparse(node.test)}"


def _as(node: ast.AST, other: ast.AST) -> str:
    """Turns a node into another one where it stands."""
    text = ast.unparse(other)
    location = {name: getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
    for name in node._fields:
        delattr(node, name)
    node.__class__ = other.__class__
    node.__dict__.update(other.__dict__ | location)
    return text
