"""Documentation and schema say the same as the chart."""

import re

import pytest
import yaml
from harness.api_types import ApiTypes
from harness.chart import ROOT
from harness.helm3 import parse
from harness.reference import FILE, OF_PARENTS, Reference

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def reference():
    return Reference()


def test_reference_is_up_to_date(reference, update):
    if update:
        FILE.write_text(reference.markdown())
    assert FILE.read_text() == reference.markdown(), "scripts/chart-test --update"


def test_every_value_has_a_meaning(reference):
    assert not [".".join(path) for path, _ in reference.leaves() if not reference.meaning(path)]


def keys(values, schema, reference, path=()):
    """Keys of the defaults and of the schema, where both are closed maps."""
    schema = reference.resolved(schema)
    inner = schema.get("properties")
    if inner is None or (path and not isinstance(values, dict)):
        return
    yield path, set(values), set(inner)
    for name in set(values) & set(inner):
        yield from keys(values[name], inner[name], reference, (*path, name))


def test_schema_and_defaults_have_the_same_keys(reference):
    for path, in_values, in_schema in keys(reference.values, reference.schema, reference):
        assert in_values <= in_schema, path
        if path not in (("resources",), ("affinity",), ("updateStrategy",)) and path[-1:] not in (("resources",), ("affinity",), ("updateStrategy",)):
            assert in_schema - in_values <= OF_PARENTS, path


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


@pytest.mark.parametrize("page", ["kubernetes.md", "migrating.md", "storage-class.md"])
def test_values_on_a_page_are_taken(helm, page, tmp_path):
    """A yaml block that begins with `# values` is a values file, and renders."""
    files = [text for text in blocks(page, "yaml") if text.startswith("# values")]
    assert files
    for number, text in enumerate(files):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        assert parse(helm.template("1.29", "--values", file)), text


@pytest.mark.parametrize("page", ["kubernetes.md", "migrating.md", "storage-class.md"])
def test_settings_on_a_page_exist(reference, page):
    """Whatever is written as `--set key=…` or as a value in a table is one."""
    known = {".".join(path) for path, _ in reference.leaves()}
    text = (DOCS / page).read_text()
    asked = [pair.split("=")[0] for words in re.findall(r"--set(?:-string)? (\S+)", text) for pair in words.split(",") if "=" in pair]
    assert not [key for key in asked if key not in known and not any(key.startswith(f"{leaf}.") for leaf in known)]


@pytest.mark.parametrize("page", ["kubernetes.md", "migrating.md", "storage-class.md", "chart-values.md"])
def test_links_lead_somewhere(page):
    """To a file, and to a heading of it where one is named."""
    for file, heading in re.findall(r"\]\(([\w./-]+)(?:#([\w-]+))?\)", (DOCS / page).read_text()):
        target = DOCS / file
        assert target.exists(), file
        headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in target.read_text().splitlines() if line.startswith("#")}
        assert not heading or heading in headings, f"{file}#{heading}"


def test_our_names_in_the_table_of_other_charts(reference):
    known = {".".join(path) for path, _ in reference.leaves()}
    rows = re.findall(r"^\|[^|]*\| `([\w.]+)`", (DOCS / "migrating.md").read_text(), re.M)
    assert len(rows) > 30
    assert not [key for key in rows if key not in known and not any(leaf.startswith(f"{key}.") or key.startswith(f"{leaf}.") for leaf in known)]


def test_storage_class(tools, version):
    """The example of the page is a StorageClass that every tested version knows."""
    (text,) = [text for text in blocks("storage-class.md", "yaml") if "kind: StorageClass" in text]
    assert not ApiTypes(tools, version).complaints(yaml.safe_load(text))
