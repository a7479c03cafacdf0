"""What the shells complete behind otel-instrument and otel-relay: real shells, with the completions of dist/."""

import re
import subprocess

import pytest

from harness.agent import DIST
from harness.shells import SHELLS

SAMPLERS = {"parentbased_always_off", "parentbased_always_on", "parentbased_traceidratio"}

# A line; what is completed, among other things; what is not. Each shell writes a value behind "--name=" in its own way.
LINES = {
    "options": ("otel-instrument --traces-sam", {"--traces-sampler", "--traces-sampler-arg"}, {"--traces-exporter"}),
    "options without effect": ("otel-instrument --metrics", set(), {"--metrics-exporter"}),
    "flags": ("otel-instrument --no", {"--no-init"}, set()),
    "a value": ("otel-instrument --traces-sampler par", SAMPLERS, {"always_on"}),
    "a value behind =": ("otel-instrument --traces-sampler=par", SAMPLERS, {"always_on"}),
    "a value, underscores": ("otel-instrument --no_init --sdk-disabled=", {"true", "false"}, set()),
    "a value with a colon": ("otel-instrument --relay=", {"auto", "external", "start", "off", "unix:/"}, set()),
    "a list": ("otel-instrument --propagators tracecontext,b", {"baggage"}, {"none"}),
    "a program": ("otel-instrument gzi", {"gzip"}, set()),
    "a program behind options": ("otel-instrument --service-name x --no-init gzi", {"gzip"}, set()),
    "a program behind a URL": ("otel-instrument --exporter-otlp-endpoint=http://host:4318 gzi", {"gzip"}, set()),
    "a program behind an empty value": ("otel-instrument --service-name= gzi", {"gzip"}, set()),
    "a program behind --": ("otel-instrument --no-init -- gzi", {"gzip"}, set()),
    "the program's options": ("otel-instrument --service-name=x --relay off tar --extr", {"--extract"}, set()),
    "not ours behind the program": ("otel-instrument tar --service-n", set(), {"--service-name"}),
    "the relay": ("otel-relay st", {"status"}, set()),
}


@pytest.mark.parametrize("line, wanted, unwanted", LINES.values(), ids=LINES.keys())
@pytest.mark.parametrize("shell", SHELLS)
def test_completes(shell, line, wanted, unwanted, tmp_path):
    found = {re.sub(r"^--[^=]*=(?=.)|.*,|=$", "", match) for match in SHELLS[shell](line, DIST.root / "share", tmp_path)}
    assert wanted <= found
    assert not unwanted & found


@pytest.mark.parametrize("arguments", [["tcsh"], []])
def test_another_shell_is_refused(arguments):
    done = subprocess.run([DIST.launcher, "--generate-completion-script", *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "bash, zsh or fish" in done.stderr
