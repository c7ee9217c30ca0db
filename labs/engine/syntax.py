"""Reads code that somebody wrote, without running it: what it defines, and what of it is a stub.

IPython's magics are taken out, then the code is parsed. Code that is too long or nested too deeply
is left unread, as the parser itself would need too much of the machine's stack for it. All that is
said about names is true at the top level of a cell, compound statements included.
"""

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

MAX_CODE = 100_000  # characters of a cell that is parsed
MAX_DEPTH = 200  # levels of the syntax tree
MAX_PREFIXES = 1_000
# Each of these words may begin an expression inside an expression: long chains make deep trees.
_PREFIX = re.compile(r"\b(?:not|lambda|await|else)\b|\*\*|[-+~](?:[ \t]*[-+~]){9}")
_CELL_MAGIC = re.compile(r"[ \t]*%%[ \t]*(\w+)")
_LINE_MAGIC = re.compile(
    r"([ \t]*)(?:[%!?]|[\w, \t]{1,200}=[ \t]*[!%])|([ \t]*)\S.{0,500}\?[ \t]*\Z"
)
_TITLE = re.compile(r"[ \t]*#+[ \t]*exercise[ \t]+(\d{1,3}\.\d{1,3})(?!\d)", re.IGNORECASE)
_HEAD = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w{1,200})|(\w{1,200})[ \t]*=(?!=)")
_OURS = frozenset({"best", "show_check", "show_prediction"})
_FILE_MAGICS = frozenset({"writefile", "file"})
Function = ast.FunctionDef | ast.AsyncFunctionDef
Binding = ast.stmt | ast.expr


@dataclass(frozen=True)
class Code:
    """The source of a cell, read.

    Parameters
    ----------
    source
        As written.
    body
        The source without cell magics such as ``%%time``.
    is_written_to_file
        Whether a cell magic only writes the body into a file.
    """

    source: str
    body: str
    is_written_to_file: bool = False

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree; None if it is no Python or cannot be read."""
        return parse(self.body)

    @cached_property
    def bindings(self) -> dict[str, Binding]:
        """Name -> what the cell binds it to last: a definition, an import or a value."""
        return dict(_bound(self.tree.body)) if self.tree else {}

    @cached_property
    def heads(self) -> frozenset[str]:
        """The names that lines at the margin seem to define; true of broken code, too."""
        lines = (_HEAD.match(line) for line in self.body.split("\n"))
        return frozenset(name for match in lines if match for name in match.groups() if name)


def read_code(source: str) -> Code:
    r"""Return the code of a cell, its cell magics told apart.

    Examples
    --------
    >>> read_code("%%time\nx = 1").body
    'x = 1'
    """
    if "%%" not in source:
        return Code(source, source)
    lines = source.split("\n")
    magics = [match[1] for line in lines if (match := _CELL_MAGIC.match(line))]
    body = "\n".join(line for line in lines if not _CELL_MAGIC.match(line))
    return Code(source, body, not _FILE_MAGICS.isdisjoint(magics))


def parse(source: str) -> ast.Module | None:
    r"""Return the syntax tree of a cell without its magics; None if it is no Python.

    Examples
    --------
    >>> ast.unparse(parse("%matplotlib inline\nx = 1"))
    'pass\nx = 1'
    >>> parse("def f(:") is None
    True
    """
    if len(source) > MAX_CODE or len(_PREFIX.findall(source)) > MAX_PREFIXES:
        return None
    for text in (source, _without_line_magics(source)):
        try:
            with warnings.catch_warnings():  # of escapes that a student wrote
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        return tree if _is_shallow(tree) else None
    return None


def _without_line_magics(source: str) -> str:
    """Return the source with ``pass`` in place of lines such as ``!ls`` or ``x?``."""
    matches = ((line, _LINE_MAGIC.match(line)) for line in source.split("\n"))
    return "\n".join(f"{m[1] or m[2] or ''}pass" if m else line for line, m in matches)


def _is_shallow(tree: ast.AST) -> bool:
    """Whether a tree is one that recursive functions can walk, wherever they are called."""
    level: Sequence[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return True
    return False


def titled(source: str) -> str | None:
    r"""Return the exercise that the first line of a cell names, magics aside.

    Examples
    --------
    >>> titled("%%time\n# Exercise 1.3\nx = 1"), titled("#### Exercise 0.3"), titled("x = 1")
    ('1.3', '0.3', None)
    """
    for line in source.split("\n"):
        if line.strip() and not _CELL_MAGIC.match(line):
            match = _TITLE.match(line)
            return match[1] if match else None
    return None


def _bound(body: Sequence[ast.stmt]) -> Iterator[tuple[str, Binding]]:
    """Yield every name that statements bind, in order, with what it is bound to."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield (alias.asname or alias.name.partition(".")[0]), node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield from _assigned(node.target, node.value)
        else:
            for inner in _blocks(node):
                yield from _bound(inner)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, Binding]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        is_paired = len(values) == len(target.elts)
        for number, element in enumerate(target.elts):
            yield from _assigned(element, values[number] if is_paired else value)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
        yield part.body


def is_ours(node: ast.AST | None) -> bool:
    """Whether an expression calls a function of ours that belongs to a notebook, not to an answer.

    Examples
    --------
    >>> is_ours(ast.parse("best('0.1', f)", mode="eval").body)
    True
    """
    if isinstance(node, ast.Tuple | ast.List):
        return bool(node.elts) and all(map(is_ours, node.elts))
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        return is_ours(node.elt)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OURS


def is_stub(node: Binding, stub: Binding | None = None) -> bool:
    r"""Whether a definition still does nothing: it only raises NotImplementedError, or is empty.

    Parameters
    ----------
    node
        What a name is bound to.
    stub
        What it is bound to in the notebook handed out; the same is a stub.

    Examples
    --------
    >>> is_stub(parse("def f(x):\n    'Doc.'\n    raise NotImplementedError()").body[0])
    True
    """
    if isinstance(node, ast.Constant) or is_ours(node):
        return True
    if stub is not None and ast.dump(node) == ast.dump(stub):
        return True
    if not isinstance(node, Function | ast.ClassDef):
        return False
    return all(_does_nothing(each) for each in node.body)


def _does_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise) and node.exc:
        call = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(call, ast.Name) and call.id == "NotImplementedError"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, Function | ast.ClassDef):
        return is_stub(node)
    return isinstance(node, ast.Pass)


def written(code: Code, names: Collection[str], *, stub: Code) -> frozenset[str]:
    r"""Return those of the names that a cell defines, and not merely as a stub.

    Parameters
    ----------
    code
        The cell.
    names
        The functions of an exercise.
    stub
        The exercise's cell as handed out.

    Examples
    --------
    >>> cell = read_code("def f(x):\n    return x\ng = None")
    >>> written(cell, ["f", "g"], stub=read_code(""))
    frozenset({'f'})
    """
    if code.tree is None:
        same = _squeezed(code.body) == _squeezed(stub.body)
        return frozenset() if same else code.heads.intersection(names)
    return frozenset(
        name
        for name in names
        if name in code.bindings and not is_stub(code.bindings[name], stub.bindings.get(name))
    )


def is_attempted(code: Code, *, stub: Code) -> bool:
    r"""Whether a cell holds more than a stub, imports and comments.

    Parameters
    ----------
    code
        The cell.
    stub
        The exercise's cell as handed out.

    Examples
    --------
    >>> stub = read_code("def f(x):\n    raise NotImplementedError()")
    >>> is_attempted(read_code("# a note\ndef f(x):\n    pass"), stub=stub)
    False
    """
    if code.tree is None:
        squeezed = _squeezed(code.body)
        return bool(squeezed) and squeezed != _squeezed(stub.body)
    given = {ast.dump(node) for node in stub.tree.body} if stub.tree else set()
    return any(
        not isinstance(node, ast.Import | ast.ImportFrom)
        and not _does_nothing(node)
        and not is_ours(getattr(node, "value", None))
        and ast.dump(node) not in given
        for node in code.tree.body
    )


def _squeezed(source: str) -> str:
    """Return a text without comments of their own and without white space."""
    lines = (line.strip() for line in source.split("\n"))
    return "".join("".join(line.split()) for line in lines if not line.startswith("#"))


def without_ours(code: Code) -> str:
    r"""Return the body of a cell without the lines that call `best` or `show_check`.

    They judge or replace an answer in the notebook; when grading, something else does.

    Examples
    --------
    >>> without_ours(read_code("x = 1\nshow_check('0.1')\ny = best('0.1', f)"))
    'x = 1\n\n'
    """
    if code.tree is None:
        return code.source
    lines = code.body.split("\n")
    nodes = code.tree.body
    kept = {n for node in nodes if not _is_call_of_ours(node) for n in _lines_of(node)}
    dropped = {n for node in nodes if _is_call_of_ours(node) for n in _lines_of(node)} - kept
    return "\n".join("" if n in dropped else line for n, line in enumerate(lines, start=1))


def _is_call_of_ours(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr | ast.Assign) and is_ours(node.value)


def _lines_of(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
