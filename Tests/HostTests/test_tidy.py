"""The house rules that a compiler does not check: which module may import which, and what may not be written at all."""

import re

import pytest

from harness.agent import REPOSITORY

SOURCES = REPOSITORY / "Sources"
GROUND = {"OTelPrimitives", "COTelShims"}
BOTH_SIDES = {"OTelConfiguration", "OTelRegion", "OTLPWire", "OTelSemanticConventions"}
INSTRUMENTATION = GROUND | {"OTelAPI", "OTelSemanticConventions", "OTelInstrumentation", "COTelHookABI", "COTelShims"}
SYSTEM = {"Glibc", "Musl"}

# What each target may import of ours and of the system. Arrows point down only; an instrumentation never sees the SDK, the SDK never
# sees configuration, and only the product sees the hooks.
IN_HOST = {
    "OTelPrimitives": {"COTelShims", "Synchronization"},
    "OTelAPI": GROUND,
    "OTLPWire": GROUND,
    "OTelRegion": GROUND,
    "OTelConfiguration": GROUND,
    "OTelSemanticConventions": {"OTelAPI"},
    "OTelSDK": GROUND | {"OTelAPI", "OTLPWire", "OTelRegion", "Synchronization"},
    "OTelInstrumentation": INSTRUMENTATION - {"OTelInstrumentation"},
    "InstrumentationCurl": INSTRUMENTATION,
    "InstrumentationSockets": INSTRUMENTATION,
    "InstrumentationDNS": INSTRUMENTATION,
    "OTelConfigurator": GROUND | {"OTelSDK", "OTelConfiguration", "OTelAPI", "OTLPWire", "OTelRegion"},
    "OTelDistro": INSTRUMENTATION | {
        "OTelConfigurator", "OTelConfiguration", "InstrumentationCurl", "InstrumentationSockets", "InstrumentationDNS", "OTelSDK",
        "OTelRegion",
    },
    "OTelAgent": {"OTelDistro", "COTelHooks", "COTelHookABI", "COTelShims", "OTelPrimitives"},
}  # fmt: skip
OUTSIDE = {
    "OTelExport": GROUND | BOTH_SIDES | SYSTEM | {"CCurl", "CZlib"},
    "OTelReceiver": GROUND | BOTH_SIDES | SYSTEM,
    "OTelRelay": GROUND | BOTH_SIDES | SYSTEM | {"OTelReceiver", "OTelExport", "CCurl", "Synchronization"},
    "otel-relay": SYSTEM | {"OTelRelay", "OTelReceiver", "OTelExport", "OTelConfiguration", "OTelPrimitives", "COTelShims", "ArgumentParser"},
    "OTelView": {"OTLPWire", "OTelPrimitives"},
    "OTelInspection": SYSTEM | GROUND | {"OTelConfiguration"},
    "OTelLaunch": SYSTEM | GROUND | {"OTelView", "OTelInspection", "OTelReceiver", "OTelRegion", "OTelConfiguration"},
    "otel-instrument": SYSTEM | {"OTelLaunch", "OTelConfiguration", "OTelPrimitives", "COTelShims"},
}
ALLOWED = IN_HOST | OUTSIDE

IMPORT = re.compile(r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |package |internal |private |fileprivate )?import (?:\w+ )?([\w]+)", re.M)


def swift_files(target):
    return sorted((SOURCES / target).rglob("*.swift"))


def code_of(file):
    """Without comments and strings: what is said about a name is not a use of it."""
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.S)
    text = re.sub(r'"""(?:.|\n)*?"""', '""', text)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//.*", "", text)


def test_every_target_is_in_the_table():
    assert {folder.name for folder in SOURCES.iterdir() if folder.is_dir()} == set(ALLOWED)


@pytest.mark.parametrize("target", ALLOWED)
def test_imports_point_down(target):
    broken = [
        f"{file.relative_to(REPOSITORY)} imports {name}"
        for file in swift_files(target)
        for name in IMPORT.findall(code_of(file))
        if name not in ALLOWED[target]
    ]
    assert not broken, f"{target} may import {', '.join(sorted(ALLOWED[target]))} only: {broken}"


def test_the_manifest_agrees():
    """A dependency in Package.swift that the table forbids would let a later import through unseen."""
    manifest = (REPOSITORY / "Package.swift").read_text()
    targets = re.findall(r'\.(?:target|executableTarget)\(\s*name: "([^"]+)"(.*?)\n?\s*(?:swiftSettings|path|cSettings):', manifest, re.S)
    for name, text in targets:
        found = re.search(r"dependencies: \[(.*?)\]", text, re.S)
        if name not in ALLOWED or not found:
            continue
        declared = set(re.findall(r'"([^"]+)"', re.sub(r"package: \"[^\"]+\"", "", found[1])))
        assert declared <= ALLOWED[name], f"{name} depends on {sorted(declared - ALLOWED[name])}"


def test_a_broken_direction_is_found():
    """The table's own control."""
    assert IMPORT.findall("internal import OTelSDK\n@_spi(X) public import struct OTelRegion.Layout") == ["OTelSDK", "OTelRegion"]
    assert "OTelSDK" not in ALLOWED["InstrumentationCurl"]
    assert "OTelConfiguration" not in ALLOWED["OTelSDK"]
    assert [name for name, allowed in ALLOWED.items() if "COTelHooks" in allowed] == ["OTelAgent"]


# A Swift trap is SIGILL in somebody else's program; print writes to its output; the others drag in what a guest must not bring.
BANNED = {
    "a trap by name": re.compile(r"\b(?:fatalError|preconditionFailure|precondition|assertionFailure|try!|as!)(?:\b|(?<=!))"),
    "output": re.compile(r"(?<![\w.])(?:print|debugPrint|dump)\("),
    "setenv in a host": re.compile(r"\b(?:setenv|putenv|unsetenv)\b"),
    "Foundation": re.compile(r"\bimport (?:FoundationEssentials|Foundation)\b"),
    "Swift concurrency": re.compile(r"(?:\b(?:async|await|actor)\b|\bTask\s*[.{(])"),
}


@pytest.mark.parametrize("rule", BANNED)
def test_banned_in_the_host(rule):
    found = [
        f"{file.relative_to(REPOSITORY)}:{number}: {line.strip()}"
        for target in IN_HOST
        for file in swift_files(target)
        for number, line in enumerate(code_of(file).splitlines(), 1)
        if BANNED[rule].search(line)
    ]
    assert not found


def test_files_stay_readable():
    files = [file for folder in ("Sources", "CShims", "Tests", "scripts", "examples") for file in (REPOSITORY / folder).rglob("*")]
    sources = [file for file in files if file.suffix in (".swift", ".c", ".h", ".py")]
    assert not {str(file.relative_to(REPOSITORY)): lines for file in sources if (lines := len(file.read_text().splitlines())) > 400}
