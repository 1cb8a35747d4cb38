"""Names that Python sources read: `os.environ`, `os.getenv`, environs, decouple, Click's `envvar`.

The syntax tree is walked scope by scope, so that a test of a name tells of its other readings beside it. Constants
and loops over constants are resolved where they are plain. Functions of the file that pass a parameter on as the
name are readers themselves.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from steward.adapters.scan.python_names import Names, dotted, ends_it
from steward.adapters.scan.python_settings import settings_of
from steward.adapters.scan.source import Source, Unreadable
from steward.domain.weighing import Reading, Vote

HIT = re.compile(rb"environ|getenv|envvar|env_var|BaseSettings|decouple|Env\(|import env\b|Config\(")
_METHODS = (
    "str bool int float json list dict url path db cache email tuple decimal log_level uuid datetime date time "
    "timedelta enum dj_db_url dj_email_url dj_cache_url db_url cache_url email_url search_url bytes get_value"
)
_TYPED = frozenset(_METHODS.split())
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def read_python(source: Source) -> Iterator[Reading]:
    """Every name that one file reads. Raises Unreadable where it is no Python of this version, or nests too deeply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
        yield from _File(source, tree).readings()
        yield from settings_of(source, tree)
    except (SyntaxError, ValueError) as error:
        raise Unreadable("it is no Python that can be parsed") from error
    except (RecursionError, MemoryError) as error:
        raise Unreadable("its syntax is nested too deeply") from error


class _File:
    """One file being read."""

    def __init__(self, source: Source, tree: ast.Module) -> None:
        self._source = source
        self._tree = tree
        self._names = Names(tree)
        self._wrappers: dict[str, tuple[int, str, bool]] = {}
        self._found: list[Reading] = []

    def readings(self) -> list[Reading]:
        self._find_wrappers()
        self._scope(self._tree.body, frozenset())
        return self._found

    def _find_wrappers(self) -> None:
        """Functions that read whatever name they are given: where it stands among their parameters."""
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            params = [arg.arg for arg in node.args.args]
            inside = [one for one in ast.walk(node) if isinstance(one, ast.Call | ast.Subscript)]
            for one in inside:
                key, must = self._key_of(one)
                if isinstance(key, ast.Name) and key.id in params and params[0] not in {"self", "cls"}:
                    lonely = bool(must) and not any(self._key_of(other)[1] is False for other in inside)
                    self._wrappers.setdefault(node.name, (params.index(key.id), key.id, lonely))

    def _key_of(self, node: ast.AST) -> tuple[ast.expr | None, bool | None]:
        """The expression that names what is read, and whether it must be there; (None, None) if it is no reading."""
        names = self._names
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Load)
            and names.is_environ(node.value)
        ):
            return node.slice, True
        if isinstance(node, ast.Call) and node.args:
            if isinstance(node.func, ast.Attribute) and names.is_environ(node.func.value):
                if node.func.attr in {"get", "setdefault"}:
                    return node.args[0], False
                if node.func.attr == "pop":
                    return node.args[0], len(node.args) < 2
            if names.is_getenv(node.func):
                return node.args[0], False
        return None, None

    def _scope(self, body: Sequence[ast.stmt], tested: frozenset[str]) -> None:
        """Read one scope, then those within it, which know what was tested around them."""
        nodes, inner = _parts(body)
        held = self._names.held_in(nodes)
        tolerated, demanded = set(tested), set()
        for node in nodes:
            if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert | ast.BoolOp | ast.comprehension):
                tests = node.ifs if isinstance(node, ast.comprehension) else _tests(node)
                names = {name for test in tests for name in self._tested(test, held)}
                if ends_it(node):
                    demanded |= names
                else:
                    tolerated |= names
            elif isinstance(node, ast.Try) and _tolerates(node):
                tolerated |= {name for one in node.body for name in self._tested(one, held)}
        for node in nodes:
            self._read(node, frozenset(tolerated - demanded), frozenset(demanded))
        for scope in inner:
            within: Sequence[ast.stmt] = (
                scope.body if isinstance(scope.body, list) else [ast.Expr(scope.body)]
            )
            self._scope(within, frozenset(tolerated - demanded) if isinstance(scope, ast.Lambda) else tested)

    def _tested(self, test: ast.AST, held: dict[str, set[str]]) -> set[str]:
        """The names that a test asks of: read in it, looked for in it, or held by a variable in it."""
        names: set[str] = set()
        for node in ast.walk(test):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
                if self._names.is_environ(node.comparators[-1]):
                    names |= set(self._names.strings(node.left))
            elif isinstance(node, ast.Name) and node.id in held:
                names |= held[node.id]
            else:
                key, _must = self._key_of(node)
                names |= set(self._names.strings(key))
        return names

    def _read(self, node: ast.AST, tolerated: frozenset[str], demanded: frozenset[str]) -> None:
        key, must = self._key_of(node)
        if key is not None:
            default = isinstance(node, ast.Call) and _has_default(node)
            reader = "os.environ[]" if isinstance(node, ast.Subscript) else "os.environ.get"
            for name, line in self._names.strings(key).items():
                strict = (must and name not in tolerated) or (name in demanded and not default)
                self._add(name, line, reader, bool(strict), default)
        elif isinstance(node, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            if self._names.is_environ(node.comparators[-1]):
                for name, line in self._names.strings(node.left).items():
                    self._add(name, line, "in os.environ", name in demanded, False)
        elif isinstance(node, ast.Call):
            self._call(node)

    def _call(self, node: ast.Call) -> None:
        """Calls that read by another's hand: environs, decouple, wrappers of this file, `envvar=`."""
        given = any(other.arg == "default" for other in node.keywords)
        for word in node.keywords:
            if word.arg in {"envvar", "env_var"}:
                every = word.value.elts if isinstance(word.value, ast.List | ast.Tuple) else [word.value]
                for one in every:
                    for name, line in self._names.strings(one).items():
                        self._add(name, line, "envvar=", False, given)
        func = node.func
        called = func.id if isinstance(func, ast.Name) else ""
        if called in self._wrappers:
            self._wrapped(node, called)
        elif node.args and self._reads_by_another(func):
            default = _has_default(node, none_counts=True)
            for name, line in self._names.strings(node.args[0]).items():
                absent = default or self._names.has_scheme_default(dotted(func).split(".")[0], name)
                self._add(name, line, f"{dotted(func)}()", not absent, absent)

    def _reads_by_another(self, func: ast.expr) -> bool:
        if isinstance(func, ast.Name):
            return self._names.is_reader(func.id)
        typed = isinstance(func, ast.Attribute) and func.attr in _TYPED
        return typed and self._names.is_reader(dotted(func).rpartition(".")[0], typed=True)

    def _wrapped(self, node: ast.Call, called: str) -> None:
        at, word, lonely = self._wrappers[called]
        keys = [one.value for one in node.keywords if one.arg == word]
        if len(node.args) > at:
            keys.append(node.args[at])
        more = len(node.args) > at + 1 or any(one.arg == "default" for one in node.keywords)
        for key in keys:
            for name, line in self._names.strings(key).items():
                self._add(name, line, f"{called}()", lonely and not more, more)

    def _add(self, name: str, line: int, reader: str, strict: bool, default: bool) -> None:
        vote = Vote.MUST if strict and not default else Vote.MAY
        self._found.append(self._source.reading(name, line, reader, vote, default=default))


def _tests(node: ast.If | ast.IfExp | ast.While | ast.Assert | ast.BoolOp) -> list[ast.expr]:
    """What is asked; of `a or b` and `a and b` all but the last."""
    return node.values[:-1] if isinstance(node, ast.BoolOp) else [node.test]


def _tolerates(node: ast.Try) -> bool:
    """Whether a missing name is caught there, and not raised anew."""
    for handler in node.handlers:
        caught = ast.dump(handler.type) if handler.type else "KeyError"
        if re.search(r"'(KeyError|Exception|LookupError|BaseException)'", caught) or handler.type is None:
            return not isinstance(handler.body[-1], ast.Raise)
    return False


def _has_default(node: ast.Call, *, none_counts: bool = False) -> bool:
    """Whether a call names what stands in; None is no stand-in unless it says that absence is allowed."""
    given = [one.value for one in node.keywords if one.arg == "default"] or node.args[1:2]
    if not given:
        return False
    return none_counts or not (isinstance(given[0], ast.Constant) and given[0].value is None)


def _parts(body: Sequence[ast.stmt]) -> tuple[list[ast.AST], list[_Scope]]:
    """The nodes of one scope, and the scopes right within it."""
    nodes: list[ast.AST] = []
    inner: list[_Scope] = []
    left: list[ast.AST] = list(reversed(body))
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            inner.append(node)
            if not isinstance(node, ast.Lambda | ast.ClassDef):
                left += [
                    *node.decorator_list,
                    *node.args.defaults,
                    *(one for one in node.args.kw_defaults if one),
                ]
            elif isinstance(node, ast.ClassDef):
                left += node.decorator_list
            continue
        nodes.append(node)
        left += reversed(list(ast.iter_child_nodes(node)))
    return nodes, inner
