"""What names of a Python file stand for: the environment under other names, readers, constants, loops over them."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def dotted(node: ast.AST) -> str:
    """`a.b.c` of such an expression; "" of another."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def ends_it(node: ast.AST) -> bool:
    """Whether a test that fails ends the work: `if not x: raise`, `assert x`, `if x is None: sys.exit(1)`."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.If) or not _asks_for_absence(node.test):
        return False
    last = node.body[-1]
    if isinstance(last, ast.Raise):
        return True
    call = last.value if isinstance(last, ast.Expr) else None
    return isinstance(call, ast.Call) and dotted(call.func) in {
        "sys.exit",
        "exit",
        "quit",
        "os._exit",
        "os.abort",
    }


def _asks_for_absence(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or) and all(_asks_for_absence(one) for one in test.values)
    if isinstance(test, ast.UnaryOp):
        return isinstance(test.op, ast.Not)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        if isinstance(test.ops[0], ast.NotIn):
            return True
        right = test.comparators[0]
        return (
            isinstance(test.ops[0], ast.Is | ast.Eq) and isinstance(right, ast.Constant) and not right.value
        )
    return False


class Names:
    """What is known of one file's names."""

    def __init__(self, tree: ast.Module) -> None:
        self._environ = {"os.environ"}
        self._getenv = {"os.getenv"}
        self._readers: set[str] = set()
        self._typed: set[str] = set()
        self._schemes: dict[str, set[str]] = {}
        self._strings: dict[str, dict[str, int]] = {}
        self._env_like = False
        self._makers = {"Env", "environ.Env", "environs.Env", "FileAwareEnv", "environ.FileAwareEnv"}
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._imported(node)
        if not self._env_like:
            self._makers = set()
        for node in nodes:
            self._assigned(node)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for one in node.names:
            here = one.asname or one.name
            if isinstance(node, ast.Import):
                if one.name == "os":
                    self._environ.add(f"{here}.environ")
                    self._getenv.add(f"{here}.getenv")
                self._env_like |= one.name in {"environ", "environs"}
            elif node.module == "os" and one.name in {"environ", "environb"}:
                self._environ.add(here)
            elif node.module == "os" and one.name == "getenv":
                self._getenv.add(here)
            elif node.module == "decouple" and one.name in {"config", "AutoConfig"}:
                self._readers.add(here)
            elif node.module in {"environs", "environ"}:
                self._env_like = True
                if one.name == "env":
                    self._typed.add(here)
                    self._readers.add(here)
            elif node.module == "starlette.config" and one.name == "Config":
                self._makers.add(f"{here}")
                self._env_like = True

    def _assigned(self, node: ast.AST) -> None:
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            if isinstance(node.target, ast.Name):
                self._learn(node.target.id, self._every(node.iter))
            return
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        else:
            return
        value = node.value
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or value is None:
            return
        name = targets[0].id
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._learn(name, {value.value: value.lineno})
        elif isinstance(value, ast.Tuple | ast.List | ast.Set):
            self._learn(name, self._every(value))
        elif self.is_environ(value):
            self._environ.add(name)
        elif isinstance(value, ast.Call) and dotted(value.func) in self._makers:
            self._readers.add(name)
            self._typed.add(name)
            self._schemes[name] = {
                word.arg
                for word in value.keywords
                if word.arg and isinstance(word.value, ast.Tuple) and len(word.value.elts) == 2
            }

    def _learn(self, name: str, values: Mapping[str, int]) -> None:
        self._strings.setdefault(name, {}).update(values)

    def _every(self, node: ast.expr) -> dict[str, int]:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            found: dict[str, int] = {}
            for one in node.elts:
                found |= self.strings(one) if isinstance(one, ast.Constant) else {}
            return found
        return dict(self._strings.get(node.id, {})) if isinstance(node, ast.Name) else {}

    def is_environ(self, node: ast.AST) -> bool:
        """Whether an expression is the environment itself, or a plain copy of it."""
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.endswith(".copy") and name.removesuffix(".copy") in self._environ:
                return True
            return name == "dict" and len(node.args) == 1 and dotted(node.args[0]) in self._environ
        return dotted(node) in self._environ

    def is_getenv(self, func: ast.expr) -> bool:
        """Whether a function is `os.getenv`."""
        return dotted(func) in self._getenv

    def is_reader(self, name: str, *, typed: bool = False) -> bool:
        """Whether calling a name reads (`env("X")`, `config("X")`), or its methods do (`env.str("X")`)."""
        return name in (self._typed if typed else self._readers)

    def has_scheme_default(self, reader: str, name: str) -> bool:
        """Whether `Env(NAME=(type, default))` says what stands in."""
        return name in self._schemes.get(reader, ())

    def strings(self, node: ast.AST | None) -> dict[str, int]:
        """The texts that an expression can be, where that is plain to see, each with the line it is written on."""
        if isinstance(node, ast.Constant):
            value = node.value.decode("ascii", "replace") if isinstance(node.value, bytes) else node.value
            return {value: node.lineno} if isinstance(value, str) else {}
        if isinstance(node, ast.IfExp):
            return self.strings(node.body) | self.strings(node.orelse)
        if isinstance(node, ast.Attribute):
            # A constant of a class of this file: `self.NAME`, `Config.NAME`.
            return dict(self._strings.get(node.attr, {})) if node.attr.isupper() else {}
        return dict(self._strings.get(node.id, {})) if isinstance(node, ast.Name) else {}

    def held_in(self, nodes: list[ast.AST]) -> dict[str, set[str]]:
        """Variables of a scope that hold what was read of the environment without a stand-in, with its names."""
        held: dict[str, set[str]] = {}
        for node in nodes:
            if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            call = node.value
            if not isinstance(target, ast.Name) or not isinstance(call, ast.Call) or len(call.args) != 1:
                continue
            gets = isinstance(call.func, ast.Attribute) and call.func.attr == "get"
            if self.is_getenv(call.func) or (gets and self.is_environ(call.func.value)):  # type: ignore[attr-defined] # gets says that it is an attribute
                held[target.id] = held.get(target.id, set()) | set(self.strings(call.args[0]))
        return held
