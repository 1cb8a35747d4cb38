"""What git does with files, for the fakes: three-way merges of whole files, patches, names that are ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from fnmatch import fnmatch
from posixpath import basename


def merged(
    base: Mapping[str, bytes], ours: Mapping[str, bytes], theirs: Mapping[str, bytes]
) -> dict[str, bytes] | None:
    """`ours` with what `theirs` changed of `base`; None where both changed a file. (git also merges within files.)"""
    files = dict(ours)
    for path in {*base, *theirs}:
        before, after, here = base.get(path), theirs.get(path), ours.get(path)
        if after in (before, here):
            continue
        if here != before:
            return None
        if after is None:
            files.pop(path)
        else:
            files[path] = after
    return files


def kept(files: Mapping[str, bytes], tracked: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files without those that are not tracked and match a line of `.gitignore`, whole or by their last name."""
    lines = files.get(".gitignore", b"").decode().split()
    return {
        path: data
        for path, data in files.items()
        if path in tracked or not any(fnmatch(path, line) or fnmatch(basename(path), line) for line in lines)
    }


def patch(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    """The change as `git apply` takes it, for files of UTF-8 text; what is no such text is replaced by marks."""
    return "".join(
        text
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
        for text in _section(path, old.get(path), new.get(path))
    )


def _section(path: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}\n"
    if old is None:
        yield "new file mode 100644\n"
    if new is None:
        yield "deleted file mode 100644\n"
    source = "/dev/null" if old is None else f"a/{path}"
    target = "/dev/null" if new is None else f"b/{path}"
    for line in unified_diff(_lines(old), _lines(new), source, target):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(data: bytes | None) -> list[str]:
    """Lines end at "\\n" alone, as git has it."""
    text = (data or b"").decode("utf-8", "replace")
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def cut_at_line(text: str, most: int) -> tuple[str, bool]:
    """At most that many characters, up to the end of a line; and whether anything was cut."""
    if len(text) <= most:
        return text, False
    return text[: text.rfind("\n", 0, most) + 1], True
