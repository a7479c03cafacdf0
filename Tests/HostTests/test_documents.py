"""What the documents say and a machine can check: links, the tests that are named as proof, the variables, the region's offsets."""

import ast
import os
import re
import subprocess

import pytest

from harness.agent import DIST, REPOSITORY

DOCUMENTS = sorted(REPOSITORY.glob("*.md")) + sorted(REPOSITORY.glob("docs/*.md")) + sorted(REPOSITORY.glob("examples/*/*.md"))
PAGES = sorted((REPOSITORY / "docs/man").iterdir())
TESTS = REPOSITORY / "Tests/HostTests"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()) if "://" not in target]
    missing = [target for target in targets if target and not (document.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_named_as_proof_exist(document):
    named = re.findall(r"`(test_\w+\.py)(?:::(test_\w+))?`", document.read_text())
    for file, function in named:
        assert (TESTS / file).exists(), file
        if function:
            functions = {node.name for node in ast.parse((TESTS / file).read_text()).body if isinstance(node, ast.FunctionDef)}
            assert function in functions, f"{file}::{function}"


def test_proofs_are_named():
    """The control: the pattern above finds what is there."""
    assert len(re.findall(r"`test_\w+\.py::test_\w+`", (REPOSITORY / "docs/safety.md").read_text())) > 10


def test_variables_and_options_are_the_launchers_own():
    done = subprocess.run([REPOSITORY / "scripts/renew-documents", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_manual_pages_are_well_formed(page):
    said = subprocess.run(["mandoc", "-Tlint", "-Wall", page], capture_output=True, text=True).stdout.splitlines()
    # Which other pages this machine has is no matter of ours.
    assert [line for line in said if "referenced manual not found" not in line and "mandoc.db" not in line] == []
    rendered = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True, env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert (rendered.returncode, rendered.stderr) == (0, "")
    assert max(map(len, rendered.stdout.splitlines())) <= 80


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_manual_pages_refer_to_pages_that_exist(page):
    ours = re.findall(r"^\.Xr (otel[\w-]*) (\d)", page.read_text(), re.M)
    assert ours and {f"{name}.{section}" for name, section in ours} <= {other.name for other in PAGES}


def test_flags_are_in_the_manual_page_and_completed():
    """What --help lists before the variables."""
    listed = subprocess.run([DIST.launcher, "--help"], capture_output=True, text=True).stdout.partition("\nEach option below")[0]
    flags = set(re.findall(r"^ +(?:-\w, +)?(--[a-z-]+)", listed, re.M)) - {"--"}
    assert {"--help", "--no-init", "--version"} <= flags
    page = (REPOSITORY / "docs/man/otel-instrument.1").read_text().replace("\\-", "-")
    assert {flag for flag in flags if not re.search(rf"^\.It Fl (?:h , )?{flag[1:]}\b", page, re.M)} == set()
    script = subprocess.run([DIST.launcher, "--generate-completion-script", "bash"], capture_output=True, text=True).stdout
    assert {flag for flag in flags if flag not in script} == set(), "LauncherFlag.swift"


def test_offsets_of_the_region_are_the_codes():
    code = (REPOSITORY / "Sources/OTelRegion/Layout.swift").read_text()
    in_code = dict(re.findall(r"let (\w+)Offset = (\d+)\n", code))
    rows = re.findall(r"^\| (\d+) \| \d+ \| ([\w ]+) \|", (REPOSITORY / "docs/region.md").read_text(), re.M)
    in_document = {re.sub(r" (\w)", lambda match: match[1].upper(), name): offset for offset, name in rows}
    assert in_document == {name: offset for name, offset in in_code.items() if name != "identity"}
