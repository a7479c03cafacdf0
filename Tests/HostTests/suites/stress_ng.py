"""stress-ng: each stressor checks what the kernel gave it (--verify)."""

import re

from .suite import Suite, package_version, run_to_end

SECONDS = 1
CLASSES = ("network", "filesystem", "interrupt", "scheduler", "pipe")


class StressNG(Suite):
    name = "stress-ng"
    origin = "`stress-ng --verify`, each stressor for a second, one after the other"

    def version(self):
        return package_version("stress-ng")

    def parts(self):
        return {f"class {name}": True for name in CLASSES}

    def run(self, part, tests, environment, folder):
        """A part is `class NAME`, or stressors by name."""
        names = part.split()
        if names[0] == "class":
            said = run_to_end(["stress-ng", "--class", f"{names[1]}?"], environment, folder, 60)[1]
            names = said.partition("stressors:")[2].split()
        return {name: self.stress(name, environment, folder) for name in tests or names}

    def stress(self, name, environment, folder):
        command = ["stress-ng", f"--{name}", "1", "--timeout", SECONDS, "--verify", "--temp-path", folder]
        status, said = run_to_end(command, environment, folder, 120)
        if re.search(r"skipped|not supported|will be skipped|unimplemented", said) and status in (0, 3, 4):
            return "skip"
        return {0: "pass", 2: "fail"}.get(status, f"exit {status}")
