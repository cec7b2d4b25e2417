"""docs/chart-values.md: made from the comments and defaults of values.yaml and the types of values.schema.json."""

import json
import re

import yaml

from .chart import CHART, ROOT

FILE = ROOT / "docs" / "chart-values.md"
HEAD = """# Values of the chart

Every value of `charts/redis-cluster`. Made from the chart's `values.yaml` and `values.schema.json` by `scripts/chart-test --update`.
The chart refuses other keys, and values of another form. What they are for: [kubernetes.md](kubernetes.md); names of other charts:
[migrating.md](migrating.md).
"""
KEY = re.compile(r"^( *)(\w+):")
# What a chart that has this one as a part hands down.
OF_PARENTS = {"global", "enabled"}


class Reference:
    def __init__(self):
        self.schema = json.loads((CHART / "values.schema.json").read_text())
        self.values = yaml.safe_load((CHART / "values.yaml").read_text())
        self.comments = comments((CHART / "values.yaml").read_text())

    def resolved(self, schema):
        reference = schema.get("$ref")
        return self.schema["definitions"][reference.rpartition("/")[2]] if reference else schema

    def leaves(self, schema=None, path=()):
        """Path and schema of everything that can be set on its own."""
        schema = self.resolved(schema or self.schema)
        inner = {name: own for name, own in schema.get("properties", {}).items() if path or name not in OF_PARENTS}
        documented = [name for name in inner if any(key[: len(path) + 1] == (*path, name) for key in self.comments)]
        if not inner or (path and not documented):
            yield path, schema
        else:
            for name, own in inner.items():
                yield from self.leaves(own, (*path, name))

    def default(self, path):
        value = self.values
        for name in path:
            value = value[name]
        return value

    def meaning(self, path):
        return self.comments.get(path, "")

    def markdown(self):
        parts, section = [HEAD], None
        for path, schema in sorted(self.leaves(), key=lambda leaf: order(leaf[0], self.values)):
            top = path[0] if len(path) > 1 else ""
            if top != section:
                section = top
                parts.append(f"\n## {top or 'General'}\n")
                if self.comments.get((top,)):
                    parts.append(f"{self.comments[(top,)]}.\n")
                parts.append("| value | default | may be | meaning |\n|---|---|---|---|")
            parts.append(f"| `{'.'.join(path)}` | {shown(self.default(path))} | {form(schema)} | {self.meaning(path)} |")
        return "\n".join(parts) + "\n"


def order(path, values):
    """General values first, then the sections, as in the file."""
    place = list(values).index(path[0])
    return (len(path) > 1, place if len(path) > 1 else 0, place)


def comments(text):
    """Path to the comment right above it."""
    found, stack, pending = {}, [], []
    for line in text.splitlines():
        key = KEY.match(line)
        if line.strip().startswith("# "):
            pending.append(line.strip()[2:])
        elif key:
            depth = len(key[1]) // 2
            stack = [*stack[:depth], key[2]]
            if pending:
                found[tuple(stack)] = " ".join(pending)
            pending = []
        else:
            pending = []
    return found


def shown(value):
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value) if isinstance(value, (dict, list, bool)) else value}`"


def form(schema):
    """What may be written, in a few words."""
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"] if word != "")
    kinds = schema.get("type", "any")
    words = [word for word in (kinds if isinstance(kinds, list) else [kinds]) if word != "null"]
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        words.append(f"{least} to {most}")
    elif least:
        words.append(f"from {least}")
    return " ".join(words) if len(words) < 2 or most or least else " or ".join(words)
