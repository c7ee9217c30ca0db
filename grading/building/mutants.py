"""Small faults put into a solution, one at a time, to see whether the checks notice.

A mutant differs from the reference in one place: an operator, a constant, a condition, a statement,
the order of two arguments, a bound of a slice. Its description, ``"line => changed line"``, is its
key. This module changes syntax trees; it runs nothing.
"""

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.Div),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitAnd,),
}
_COMPARISON: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "floor": "ceil",
    "ceil": "floor",
    "argmin": "argmax",
    "argmax": "argmin",
    "sum": "max",
    "mean": "sum",
}
_SYMMETRIC = {"min", "max", "minimum", "maximum", "gcd"}  # swapping their arguments changes nothing
_Place = tuple[ast.AST, str, int | None]  # parent, field, index in a list
_SIMPLE_REMOVED = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Raise, ast.Assert)


@dataclass(frozen=True)
class Mutant:
    """One mutant: what was changed, and the whole changed code."""

    description: str
    code: str


def mutants(code: str, lines: Iterable[int]) -> tuple[Mutant, ...]:
    r"""Return the mutants of a solution, each once, in the order of the code.

    Parameters
    ----------
    code
        The solution, as the reference has it.
    lines
        Numbers, from 1, of the lines that may change: what students write themselves.

    Examples
    --------
    >>> for mutant in mutants("def f(a, b):\n    return a + b", [2]):
    ...     print(mutant.description)
    return a + b => return None
    return a + b => return a - b
    """
    tree = ast.parse(code)
    allowed = frozenset(lines)
    original = ast.unparse(tree)
    found: dict[str, str] = {}  # code -> description: equal mutants count once
    seen: dict[str, int] = {}
    for statement, place in _places(tree, allowed):
        node = _get(place)
        before = _headline(statement)
        for replacement in _replacements(node):
            _set(place, replacement)
            after = "pass" if node is statement and isinstance(replacement, ast.Pass) else None
            if node is statement and after is None:
                after = _headline(replacement)
            changed = ast.unparse(ast.fix_missing_locations(tree))
            description = f"{before} => {after or _headline(statement)}"
            _set(place, node)
            if changed == original or changed in found or not _compiles(changed):
                continue
            seen[description] = seen.get(description, 0) + 1
            if (number := seen[description]) > 1:
                description += f" ({number})"
            found[changed] = description
    return tuple(Mutant(description, changed) for changed, description in found.items())


def _places(tree: ast.Module, allowed: frozenset[int]) -> Iterator[tuple[ast.stmt, _Place]]:
    """Yield the places that may change, each with the statement around it."""

    def walk(parent: ast.AST, statement: ast.stmt | None) -> Iterator[tuple[ast.stmt, _Place]]:
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            children = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
            for index, child in children:
                if not isinstance(child, ast.AST):
                    continue
                around = child if isinstance(child, ast.stmt) else statement
                # Operators have no line of their own: the expression around them is replaced.
                if around is not None and getattr(child, "lineno", None) in allowed:
                    yield around, (parent, field, index)
                if not (isinstance(child, ast.Raise) or _is_text(child)):
                    yield from walk(child, around)

    yield from walk(tree, None)


def _is_text(node: ast.AST) -> bool:
    """Say whether a node is a docstring, a text or an f-string: words, which no check tests."""
    if isinstance(node, ast.Expr):
        return _is_text(node.value)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _get(place: _Place) -> ast.AST:
    parent, field, index = place
    value = getattr(parent, field)
    node: ast.AST = value if index is None else value[index]
    return node


def _set(place: _Place, node: ast.AST) -> None:
    parent, field, index = place
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _headline(statement: ast.AST) -> str:
    """Return a statement as one line; of a compound one, its first."""
    return ast.unparse(statement).split("\n", 1)[0]


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in place of a node."""
    if isinstance(node, ast.stmt):
        yield from _statements(node)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Slice):
        yield from _slices(node)
    elif isinstance(node, ast.expr):
        yield from _expressions(node)


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.If() | ast.While():
            yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test))
            if isinstance(node, ast.If):
                yield _changed(node, test=ast.Constant(True))
            yield _changed(node, test=ast.Constant(False))
        case ast.For():
            yield _changed(node, iter=ast.Tuple([], ast.Load()))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.AugAssign():
            for operator in _ARITHMETIC.get(type(node.op), ()):
                yield _changed(node, op=operator())
    if isinstance(node, _SIMPLE_REMOVED) and not _is_text(node):
        yield ast.Pass()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)


def _slices(node: ast.Slice) -> Iterator[ast.AST]:
    """Yield slices whose bounds are off by one; constant bounds change as constants do."""
    if node.lower is None:
        yield _changed(node, lower=ast.Constant(1))
    elif not isinstance(node.lower, ast.Constant):
        yield _changed(node, lower=ast.BinOp(node.lower, ast.Add(), ast.Constant(1)))
    if node.upper is None:
        yield _changed(node, upper=ast.Constant(-1))
    elif not isinstance(node.upper, ast.Constant):
        yield _changed(node, upper=ast.BinOp(node.upper, ast.Sub(), ast.Constant(1)))


def _expressions(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp():
            for operator in _ARITHMETIC.get(type(node.op), ()):
                yield _changed(node, op=operator())
            if isinstance(node.op, ast.MatMult):
                yield _changed(node, left=node.right, right=node.left)
        case ast.Compare():
            for index, operation in enumerate(node.ops):
                for comparison in _COMPARISON[type(operation)]:
                    operations = [*node.ops[:index], comparison(), *node.ops[index + 1 :]]
                    yield _changed(node, ops=operations)
        case ast.BoolOp():
            yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.IfExp():
            yield from (node.body, node.orelse)
        case ast.Call() if _called(node.func) not in _SYMMETRIC:
            yield from _swapped(node)
        case ast.Name(id=name) if name in _NAMES:
            yield ast.Name(_NAMES[name], node.ctx)
        case ast.Attribute(attr=name) if name in _NAMES:
            yield _changed(node, attr=_NAMES[name])


def _swapped(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the call with each two neighbouring arguments in the other order."""
    for index in range(len(node.args) - 1):
        before, first, second, *after = node.args[:index], *node.args[index:]
        yield _changed(node, args=[*before, second, first, *after])


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
