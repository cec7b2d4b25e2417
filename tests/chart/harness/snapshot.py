"""Snapshots: the default release in full, every other one as its difference from that, object by object."""

import base64
import difflib

import yaml

from .chart import TESTS

FOLDER = TESTS / "snapshots"
CONTEXT_LINES = 2


class Readable(yaml.CSafeDumper):
    """Files inside ConfigMaps line by line."""


def in_lines(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Readable.add_representer(str, in_lines)


def masked(thing):
    """Random words of Secrets differ from run to run; their length stays."""
    if thing["kind"] != "Secret":
        return thing
    lengths = {key: f"({len(base64.b64decode(value))} bytes)" for key, value in thing["data"].items()}
    return {**thing, "data": lengths}


def by_name(objects):
    """Text of each object under its kind and name."""
    return {
        f"{thing['kind']} {thing['metadata']['name']}": yaml.dump(masked(thing), Dumper=Readable, width=140)
        for thing in sorted(objects, key=lambda thing: (thing["kind"], thing["metadata"]["name"]))
    }


def in_full(objects):
    return "---\n".join(by_name(objects).values())


def difference(before, after):
    """What `after` has otherwise than `before`; no line numbers, so that a change elsewhere is no change here."""
    before, after = by_name(before), by_name(after)
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = (texts.get(name, "").splitlines() for texts in (before, after))
        if old == new:
            continue
        word = "removed" if not new else "added" if not old else "changed"
        lines.append(f"=== {word}: {name}")
        if new:
            hunks = list(difflib.unified_diff(old, new, lineterm="", n=CONTEXT_LINES))[2:]
            lines += ["@@" if line.startswith("@@") else line for line in hunks]
    return "\n".join(lines) + "\n"


def compare(name, text, update):
    """Complains unless the stored snapshot is this text."""
    file = FOLDER / name
    if update:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text)
    stored = file.read_text() if file.exists() else ""
    if stored != text:
        change = "\n".join(difflib.unified_diff(stored.splitlines(), text.splitlines(), "stored", "rendered", lineterm="", n=1))
        raise AssertionError(f"{name} differs; if that is meant: scripts/chart-test --update\n{change}")


def absent(name, update):
    """Complains if there is such a snapshot."""
    file = FOLDER / name
    if update:
        file.unlink(missing_ok=True)
    assert not file.exists(), f"{name} is not needed any more: scripts/chart-test --update"
