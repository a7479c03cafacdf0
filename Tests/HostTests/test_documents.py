"""What the documents say and a machine can check: links, the tests that are named as proof, the variables, the region's offsets."""

import ast
import re

import pytest

from harness.agent import DIST, REPOSITORY

DOCUMENTS = sorted(REPOSITORY.glob("*.md")) + sorted(REPOSITORY.glob("docs/*.md"))
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


def test_variables_are_the_launchers_own(agent):
    reference = agent.run(DIST.launcher, "--help-markdown", environment=agent.bare_environment()).stdout
    assert (REPOSITORY / "docs/variables.md").read_text().endswith("\n\n" + reference), "renew docs/variables.md: see CONTRIBUTING.md"


def test_offsets_of_the_region_are_the_codes():
    code = (REPOSITORY / "Sources/OTelRegion/Layout.swift").read_text()
    in_code = dict(re.findall(r"let (\w+)Offset = (\d+)\n", code))
    rows = re.findall(r"^\| (\d+) \| \d+ \| ([\w ]+) \|", (REPOSITORY / "docs/region.md").read_text(), re.M)
    in_document = {re.sub(r" (\w)", lambda match: match[1].upper(), name): offset for offset, name in rows}
    assert in_document == {name: offset for name, offset in in_code.items() if name != "identity"}
