"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from hub.config import Config

ROOT = Path(__file__).parents[1]
LINES_MAX = 400
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 110
# Paths of somebody's machine. Those of the system (/dev, /proc, /etc, /usr, /tmp on its own) say nothing of
# one.
MACHINE_STARTS = ("/work", "/root", "/home/", "/Users/", "/tmp/")
MACHINE_PATH = re.compile(r"(?<![\w.<>/-])/(?:work|root|home/\w|Users/\w|tmp/\w)[\w./-]*")


def tracked(*patterns: str) -> list[Path]:
    """The files git knows that match, as they are in the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_no_file_is_too_long() -> None:
    files = tracked("*.py", "*.ts", "*.tsx", "*.css")
    assert {path.suffix for path in files} == {".py", ".ts", ".tsx", ".css"}
    lengths = {str(path.relative_to(ROOT)): len(read(path).splitlines()) for path in files}
    assert lengths["tests/test_house.py"] > 50
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_no_line_of_code_is_too_long() -> None:
    """Formatters leave comments and long texts alone."""
    files = tracked("*.py", "web/*.ts", "web/*.tsx", "web/*.css")
    assert {path.suffix for path in files} == {".py", ".ts", ".tsx", ".css"}
    assert {
        f"{path.relative_to(ROOT)}:{number}": len(line)
        for path in files
        for number, line in enumerate(read(path).splitlines(), 1)
        if len(line) > COLUMNS_MAX
    } == {}


def test_no_line_of_the_documents_is_too_long() -> None:
    """Rows of tables and pictures cannot be broken, so they may be longer."""
    files = tracked("*.md", "config.toml")
    assert {"README.md", "CHANGELOG.md", "config.toml"} <= {path.name for path in files}
    assert {
        f"{path.relative_to(ROOT)}:{number}": len(line)
        for path in files
        for number, line in enumerate(read(path).splitlines(), 1)
        if len(line) > COLUMNS_MAX and not line.startswith(("|", "!["))
    } == {}


# Old words, and a bracket that a formatter put around a line for the comment behind it.
HARD_TO_READ = re.compile(
    r"\b(?:but for|in vain|of late|whatever it is|so to speak|lest)\b|^ *[\])}],? +# (?!fmt: |noqa|type: )",
    re.MULTILINE,
)


def test_comments_and_documents_are_in_plain_words() -> None:
    files = tracked("*.py", "web/*.ts", "web/*.tsx", "web/*.css", "*.md", "*.toml")
    assert {
        f"{path.relative_to(ROOT)}:{read(path).count(chr(10), 0, found.start()) + 1}": found[0].strip()
        for path in files
        if path != Path(__file__).resolve()
        for found in HARD_TO_READ.finditer(read(path))
    } == {}


def test_no_file_has_the_marks_of_a_merge_in_it() -> None:
    marks = re.compile(rf"^({'<' * 7}|{'>' * 7}) ", re.MULTILINE)
    files = tracked("*.py", "*.ts", "*.tsx", "*.css", "*.md", "*.toml", "Makefile")
    assert [str(path.relative_to(ROOT)) for path in files if marks.search(read(path))] == []


def test_no_function_is_too_long() -> None:
    lengths = {}
    for path in tracked("*.py"):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = (
                    (node.end_lineno or 0) - node.lineno + 1
                )
    assert len(lengths) > 300
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MAX} == {}


def documented_keys() -> dict[str, object]:
    """Every key of config.toml as section.key, each with what stands there."""
    values = tomllib.loads(read(ROOT / "config.toml"))
    return {
        f"{section}.{key}": tuple(value) if isinstance(value, list) else value
        for section, keys in values.items()
        for key, value in keys.items()
    }


def known_keys() -> dict[str, object]:
    """Every key of the configuration, each with its default."""
    return {
        f"{section}.{key}": field.default
        for section, model in Config.model_fields.items()
        if isinstance(model.annotation, type) and issubclass(model.annotation, BaseModel)
        for key, field in model.annotation.model_fields.items()
    }


def test_the_configuration_file_holds_every_key_at_its_default_and_nothing_else() -> None:
    known = known_keys()
    assert {name.partition(".")[0] for name in known} == set(Config.model_fields)
    assert documented_keys() == known


def test_the_configuration_file_explains_every_key() -> None:
    lines = [line for line in read(ROOT / "config.toml").splitlines() if re.match(r"\w+ *=", line)]
    assert len(lines) == len(documented_keys())
    assert [line for line in lines if not re.search(r"\s# \S", line)] == []


def test_every_dependency_is_named_with_its_reason() -> None:
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    wanted = {
        re.split(r"[\[<>=~! ;]", one)[0].lower()
        for one in [*project["dependencies"], *(one for extra in extras for one in extra)]
    }
    named = set(re.findall(r"^\| `([^`]+)` \| \w.{10,} \|$", read(ROOT / "CONTRIBUTING.md"), re.MULTILINE))
    assert "duckdb" in wanted
    assert named == wanted


def test_no_file_names_a_path_of_one_machine() -> None:
    files = [
        path
        for path in tracked(
            "hub", "devices", "web/src", "tests", "docs", "benchmarks", "*.md", "*.toml", "Makefile"
        )
        if path.suffix in {".py", ".ts", ".tsx", ".css", ".html", ".js", ".json", ".md", ".toml", ".sh", ""}
    ]
    assert len(files) > 100
    found = {
        f"{path.relative_to(ROOT)}:{number}": match[0]
        for path in files
        if path != Path(__file__).resolve() and any(start in read(path) for start in MACHINE_STARTS)
        for number, line in enumerate(read(path).splitlines(), 1)
        if (match := MACHINE_PATH.search(line))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line", ["/work" + "/main/x", "at /root" + "/.x", '"/tmp' + '/a"', "/home" + "/ada/hub"]
)
def test_the_search_for_machine_paths_finds_them(line: str) -> None:
    assert MACHINE_PATH.search(line)


# Devices and the hub know nothing of each other, and mean the same by these.
SAID_BY_BOTH = {"Busy", "Command", "Refusal", "TooLarge"}


def test_no_name_of_a_class_means_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in tracked("hub/*.py", "devices/*.py"):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(str(path.relative_to(ROOT)))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert len(places) > 200
    assert set(twice) == SAID_BY_BOTH, twice
    assert all(len(where) == 2 for where in twice.values()), twice
