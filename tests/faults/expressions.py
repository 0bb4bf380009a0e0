"""DynamoDB's expressions, parsed and evaluated: the part of the language that stockctl writes.

They are really parsed, from the text that is sent, so that a condition which is taken away or misspelt makes a
difference. Anything outside the language is refused, as DynamoDB refuses it, never ignored.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Item = Mapping[str, Any]
Values = Mapping[str, Any]
Condition = Callable[[Item, Values], bool]

_TOKENS = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),+-])|([A-Za-z_:#][A-Za-z0-9_]*))")
_COMPARATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class BadExpression(ValueError):
    """What DynamoDB answers with a ValidationException."""


@dataclass(frozen=True)
class Update:
    """A parsed update expression: each clause's paths and the names of their values."""

    assign: tuple[tuple[str, str], ...]
    add: tuple[tuple[str, str], ...]
    delete: tuple[tuple[str, str], ...]
    remove: tuple[str, ...]
    names: frozenset[str]

    def apply(self, item: Item, values: Values) -> dict[str, Any]:
        """The item after the update. SET, ADD and DELETE all work on the item as it was."""
        changed = dict(item)
        for path, name in self.assign:
            changed[path] = values[name]
        for path, name in self.add:
            changed[path] = _sum(item.get(path), values[name])
        for path, name in self.delete:
            left = _difference(item.get(path), values[name])
            if left is None:
                changed.pop(path, None)
            else:
                changed[path] = left
        for path in self.remove:
            changed.pop(path, None)
        return changed


def _sum(old: Any, new: Any) -> Any:
    if old is None:
        return new
    ((kind, value),) = old.items()
    if kind not in {"N", "SS"} or kind not in new:
        raise BadExpression("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return {"N": str(int(value) + int(new["N"]))}
    return {"SS": sorted({*value, *new["SS"]})}


def _difference(old: Any, taken: Any) -> Any:
    if old is None:
        return None
    if "SS" not in old or "SS" not in taken:
        raise BadExpression("An operand in the update expression has an incorrect data type")
    left = sorted(set(old["SS"]) - set(taken["SS"]))
    return {"SS": left} if left else None


class _Tokens:
    """The words of an expression, one after the other."""

    def __init__(self, expression: str) -> None:
        self.words: list[str] = []
        position, text = 0, expression.rstrip()
        while position < len(text):
            match = _TOKENS.match(text, position)
            if not match:
                raise BadExpression(f"syntax error at {text[position:]!r}")
            self.words.append(match[1] or match[2])
            position = match.end()
        self.position = 0

    @property
    def next(self) -> str:
        return self.words[self.position] if self.position < len(self.words) else ""

    def take(self, expected: str | None = None) -> str:
        word = self.next
        if not word or (expected is not None and word.upper() != expected):
            raise BadExpression(f"syntax error at {word!r}, expected {expected or 'more'}")
        self.position += 1
        return word

    def takes(self, *words: str) -> bool:
        if self.next.upper() in words:
            self.position += 1
            return True
        return False


@lru_cache(maxsize=4096)
def condition(expression: str) -> tuple[Condition, frozenset[str]]:
    """A condition or key condition, ready to be asked, and the names of the values it uses.

    Raises:
        BadExpression: it is not in the language.
    """
    tokens = _Tokens(expression)
    parsed = _disjunction(tokens)
    if tokens.next:
        raise BadExpression(f"syntax error at {tokens.next!r}")
    return parsed, frozenset(word for word in tokens.words if word.startswith(":"))


def _disjunction(tokens: _Tokens) -> Condition:
    parts = [_conjunction(tokens)]
    while tokens.takes("OR"):
        parts.append(_conjunction(tokens))
    return parts[0] if len(parts) == 1 else lambda item, values: any(part(item, values) for part in parts)


def _conjunction(tokens: _Tokens) -> Condition:
    parts = [_negation(tokens)]
    while tokens.takes("AND"):
        parts.append(_negation(tokens))
    return parts[0] if len(parts) == 1 else lambda item, values: all(part(item, values) for part in parts)


def _negation(tokens: _Tokens) -> Condition:
    if tokens.takes("NOT"):
        inner = _negation(tokens)
        return lambda item, values: not inner(item, values)
    if tokens.takes("("):
        inner = _disjunction(tokens)
        tokens.take(")")
        return inner
    return _test(tokens)


def _test(tokens: _Tokens) -> Condition:
    word = tokens.take()
    if tokens.next == "(":
        return _function(word, tokens)
    symbol = tokens.take()
    if symbol.upper() == "BETWEEN":
        return _between(word, tokens)
    if symbol not in _COMPARATORS:
        raise BadExpression(f"syntax error at {symbol!r}")
    compare, left, right = _COMPARATORS[symbol], word, tokens.take()
    return lambda item, values: _compared(compare, _operand(left, item, values), _operand(right, item, values))


def _between(path: str, tokens: _Tokens) -> Condition:
    low = tokens.take()
    tokens.take("AND")
    high = tokens.take()
    return lambda item, values: (
        _compared(operator.ge, item.get(path), values[low]) and _compared(operator.le, item.get(path), values[high])
    )


def _function(name: str, tokens: _Tokens) -> Condition:
    tokens.take("(")
    path = tokens.take()
    if name == "attribute_exists":
        tokens.take(")")
        return lambda item, _values: path in item
    if name == "attribute_not_exists":
        tokens.take(")")
        return lambda item, _values: path not in item
    if name == "contains":
        tokens.take(",")
        wanted = tokens.take()
        tokens.take(")")
        return lambda item, values: values[wanted]["S"] in item.get(path, {}).get("SS", ())
    if name == "begins_with":
        tokens.take(",")
        start = tokens.take()
        tokens.take(")")
        return lambda item, values: bool(item.get(path, {}).get("S", "").startswith(values[start]["S"]))
    raise BadExpression(f"unknown function {name}")


def _operand(name: str, item: Item, values: Values) -> Any:
    return values[name] if name.startswith(":") else item.get(name)


def _compared(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    """DynamoDB's comparison: false where an operand is absent or their types differ, but for <>."""
    if left is None or right is None or left.keys() != right.keys():
        return compare is operator.ne
    ((kind, one),) = left.items()
    ((_, other),) = right.items()
    return compare(int(one), int(other)) if kind == "N" else compare(one, other)


@lru_cache(maxsize=4096)
def update(expression: str) -> Update:
    """A parsed update expression.

    Raises:
        BadExpression: it is not in the language, or it names one attribute twice.
    """
    tokens = _Tokens(expression)
    clauses: dict[str, list[tuple[str, str]]] = {"SET": [], "ADD": [], "DELETE": [], "REMOVE": []}
    begun: set[str] = set()
    while tokens.next:
        clause = tokens.take().upper()
        if clause not in clauses or clause in begun:
            raise BadExpression(f"syntax error at {clause!r}")
        begun.add(clause)
        clauses[clause].append(_action(clause, tokens))
        while tokens.takes(","):
            clauses[clause].append(_action(clause, tokens))
    paths = [path for actions in clauses.values() for path, _ in actions]
    if len(set(paths)) != len(paths):
        raise BadExpression("Two document paths overlap with each other")
    return Update(
        tuple(clauses["SET"]),
        tuple(clauses["ADD"]),
        tuple(clauses["DELETE"]),
        tuple(path for path, _ in clauses["REMOVE"]),
        frozenset(word for word in tokens.words if word.startswith(":")),
    )


def _action(clause: str, tokens: _Tokens) -> tuple[str, str]:
    path = tokens.take()
    if clause == "REMOVE":
        return path, ""
    if clause == "SET":
        tokens.take("=")
    value = tokens.take()
    if not value.startswith(":"):
        raise BadExpression(f"only values are supported here, not {value!r}")
    return path, value
