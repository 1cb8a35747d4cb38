"""What a file of a repository is, by its path alone: which reader it has, and which files never count."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Form(StrEnum):
    """Files that are read in a way of their own, whatever language surrounds them."""

    EXAMPLE = "example"
    COMPOSE = "compose"
    WORKFLOW = "workflow"
    CONTRACT = "contract"
    COPIER = "copier"
    APP_JSON = "app_json"
    RENDER = "render"
    FLY = "fly"
    DOCKERFILE = "dockerfile"
    SPRING = "spring"
    SERVICE = "service"


LANGUAGES: Final = {
    "py": "Python", "pyi": "Python", "js": "JavaScript", "mjs": "JavaScript", "cjs": "JavaScript",
    "jsx": "JavaScript", "ts": "TypeScript", "mts": "TypeScript", "cts": "TypeScript", "tsx": "TypeScript",
    "vue": "Vue", "svelte": "Svelte", "astro": "Astro", "go": "Go", "rb": "Ruby", "rs": "Rust", "php": "PHP",
    "java": "Java", "kt": "Kotlin", "kts": "Kotlin", "scala": "Scala", "cs": "C#", "ex": "Elixir",
    "exs": "Elixir", "sh": "Shell", "bash": "Shell", "c": "C", "h": "C", "cc": "C++", "cpp": "C++",
    "hpp": "C++", "swift": "Swift", "dart": "Dart", "lua": "Lua", "pl": "Perl", "r": "R", "sql": "SQL",
    "html": "HTML", "css": "CSS", "scss": "CSS", "zig": "Zig", "clj": "Clojure", "erl": "Erlang",
}  # fmt: skip
"""Languages by the ending of a file's name."""

READ: Final = frozenset(
    {
        "Python",
        "JavaScript",
        "TypeScript",
        "Vue",
        "Svelte",
        "Astro",
        "Go",
        "Ruby",
        "Rust",
        "PHP",
        "Java",
        "Kotlin",
    }
    | {"Scala", "C#", "Elixir", "Shell"}
)
"""Languages whose files are read for names."""

_EXAMPLE = re.compile(
    r"(?:\.?env(?:[.-][\w-]+)*[.-](?:example|sample|template|dist|tpl)|(?:example|sample|template|dist)\.env"
    r"|\.env\.(?:example|sample|template|dist)\.[\w-]+)",
    re.IGNORECASE,
)
_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_DOCKERFILE = re.compile(r"(?:Dockerfile|Containerfile)(?:\..+)?|.+\.Dockerfile", re.IGNORECASE)
_SPRING = re.compile(r"application(?:-[\w-]+)?\.(?:ya?ml|properties)")
_NAMED: Final = {
    "env.contract.yaml": Form.CONTRACT,
    "env.contract.yml": Form.CONTRACT,
    "copier.yml": Form.COPIER,
    "copier.yaml": Form.COPIER,
    "app.json": Form.APP_JSON,
    "render.yaml": Form.RENDER,
    "render.yml": Form.RENDER,
    "fly.toml": Form.FLY,
}
_VENDORED: Final = frozenset(
    {"node_modules", "bower_components", "site-packages", "vendor", "vendored", "_vendor", "third_party"}
    | {
        "third-party",
        "dist",
        "dist-packages",
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "virtualenv",
        "__pycache__",
    }
    | {
        ".tox",
        ".nox",
        ".next",
        ".nuxt",
        ".svelte-kit",
        ".yarn",
        ".terraform",
        ".mypy_cache",
        "Pods",
        "coverage",
    }
)
_BUILT: Final = frozenset({"build", "target", "out", "_build"})
_ASIDE: Final = frozenset(
    {"test", "tests", "testing", "__tests__", "spec", "specs", "e2e", "cypress", "playwright", "doc", "docs"}
    | {"example", "examples", "sample", "samples", "demo", "demos", "fixtures", "__fixtures__", "testdata"}
    | {
        "test-data",
        "test_data",
        "benchmark",
        "benchmarks",
        "bench",
        "benches",
        "mocks",
        "__mocks__",
        "stories",
    }
    | {
        "playground",
        "unittests",
        "integration-tests",
        "integration_tests",
        "tutorial",
        "tutorials",
        "website",
    }
)
_ASIDE_FILE = re.compile(
    r"(?:test_.*|.*_test|conftest|tests?|.*_tests)\.(?:py|go|rb|rs|exs|sh)|.*[.-](?:test|spec|stories|cy)\.[cm]?[jt]sx?"
    r"|.*(?:Test|Tests|Spec)\.(?:java|kt|cs|scala|php)|.*_spec\.rb|.*\.(?:min|bundle)\.[cm]?js|noxfile\.py",
)
_DEPLOYS: Final = frozenset(
    {"deploy.toml", "procfile", "fly.toml", "vercel.json", "netlify.toml", "wrangler.toml", "wrangler.json"}
    | {"wrangler.jsonc", "render.yaml", "render.yml", "app.json", "app.yaml", "railway.json", "railway.toml"}
    | {
        "serverless.yml",
        "serverless.yaml",
        "chart.yaml",
        "kustomization.yaml",
        "skaffold.yaml",
        "captain-definition",
    }
    | {"cloudbuild.yaml", "firebase.json", "amplify.yml", "nixpacks.toml", "dokku.json"}
)
_DEPLOY_DIRS: Final = frozenset({"deploy", "deployment", "k8s", "kubernetes", "helm", "charts", "manifests"})
_PAPERS = re.compile(
    r"(?:readme|licen[cs]e|copying|notice|authors|contributing|changelog|changes|history|security|codeowners"
    r"|code_of_conduct|support|governance|maintainers|implementation|citation|funding)(?:[.\-].*)?|\.gitignore"
    r"|\.gitattributes|\.editorconfig|\.gitkeep|\.mailmap|\.do-not-touch|.*\.(?:md|rst|txt|adoc)",
    re.IGNORECASE,
)


def is_vendored(path: str) -> bool:
    """Whether a path lies where others' or built code lies: never looked into."""
    parts = path.split("/")
    return parts[0] in _BUILT or not _VENDORED.isdisjoint(parts)


def is_aside(path: str) -> bool:
    """Whether a path is a test, a document, an example or a bundle: counted as a file, not read for names."""
    *folders, name = path.split("/")
    return any(folder.lower() in _ASIDE for folder in folders) or _ASIDE_FILE.fullmatch(name) is not None


def form_of(path: str) -> Form | None:
    """The reader of its own that a path has, by its name; None where there is none."""
    folder, _, name = path.rpartition("/")
    if folder.endswith(".github/workflows") or folder == ".github/workflows":
        return Form.WORKFLOW if name.endswith((".yml", ".yaml")) else None
    if named := Form.SERVICE if path == "deploy.toml" else _NAMED.get(name):
        return named
    if _EXAMPLE.fullmatch(name):
        return Form.EXAMPLE
    if _COMPOSE.fullmatch(name):
        return Form.COMPOSE
    if _DOCKERFILE.fullmatch(name):
        return Form.DOCKERFILE
    return Form.SPRING if _SPRING.fullmatch(name) else None


def language_of(path: str) -> str | None:
    """The language of a file, by the ending of its name; None where it is none that is known."""
    name = path.rpartition("/")[2]
    return LANGUAGES.get(name.rpartition(".")[2].lower()) if "." in name else None


def is_deploy(path: str) -> bool:
    """Whether a path says how the work is put live."""
    *folders, name = path.split("/")
    if form_of(path) in {Form.COMPOSE, Form.DOCKERFILE} or name.lower() in _DEPLOYS:
        return True
    return bool(folders) and folders[0].lower() in _DEPLOY_DIRS


def is_paper(path: str) -> bool:
    """Whether a path is a README, a licence or the like: no code, whatever it says."""
    return _PAPERS.fullmatch(path.rpartition("/")[2]) is not None
