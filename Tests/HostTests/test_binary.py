"""What the shipped files are made of: sizes, imports, exports, hardening, and what a hook can reach.

A preload library is mapped into every program of a machine, old images included, so each of these is a promise to users; the golden
lists of scripts/golden/ change only together with a reason.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "scripts" / "golden"
CHECKER = ROOT / "scripts" / "check-reachable.py"
STACK_CHECKER = ROOT / "scripts" / "check-stack.py"
AGENT = ROOT / "dist" / "lib" / "otelagent" / "libotelagent.so"
UNSTRIPPED_AGENT = ROOT / ".build-embedded" / "release" / "libotelagent.so"

SIZE_LIMIT = 256_000
# One struct, initial-exec: more of the static TLS surplus would break hosts with small stacks or many libraries.
TLS_LIMIT = 64
# Bytes of one chain of calls; a thread's smallest stack is 16 KiB.
STACK_LIMIT = 2304
NEWEST_GLIBC = (2, 17)


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def golden(name):
    lines = (line.split("#")[0].strip() for line in (GOLDEN / name).read_text().splitlines())
    return [line for line in lines if line]


def dynamic_entries(path, tag):
    return re.findall(rf"\({tag}\)\s+(.*)$", readelf("--dynamic", path), re.MULTILINE)


def needed(path):
    return [re.search(r"\[(.*)\]", entry)[1] for entry in dynamic_entries(path, "NEEDED")]


def dynamic_symbols(path):
    """(name@version, binding, defined) of each dynamic symbol; a local or nameless one is left out."""
    symbols = []
    for line in readelf("--dyn-syms", path).splitlines():
        column = line.split()
        # 12: 0000000000001f80    91 FUNC    GLOBAL DEFAULT   14 connect@@OTELAGENT_ANY
        if len(column) < 8 or not column[0].rstrip(":").isdigit() or column[4] not in ("GLOBAL", "WEAK"):
            continue
        symbols.append((column[7].replace("@@", "@"), column[4], column[6] != "UND"))
    return symbols


def segments(path):
    """Type, memory size and flags of each program header."""
    pattern = r"^\s+(\S+)\s+0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x[0-9a-f]+ 0x([0-9a-f]+)\s+([R WE]{3})\s"
    return [(kind, int(size, 16), flags) for kind, size, flags in re.findall(pattern, readelf("--segments", path), re.MULTILINE)]


def test_size():
    assert AGENT.stat().st_size <= SIZE_LIMIT
    assert " .symtab" not in readelf("--sections", AGENT), "the shipped agent is not stripped"


@pytest.mark.parametrize("entry", golden("needed.txt"), ids=lambda entry: entry.split(":")[0])
def test_needed_libraries(entry):
    path, _, libraries = entry.partition(":")
    assert needed(ROOT / "dist" / path) == libraries.split()


@pytest.mark.parametrize("entry", golden("needed.txt"), ids=lambda entry: entry.split(":")[0])
def test_no_run_path(entry):
    path = ROOT / "dist" / entry.partition(":")[0]
    assert dynamic_entries(path, "RPATH") + dynamic_entries(path, "RUNPATH") == []


def exports(path):
    # A version node is itself an absolute symbol in some linkers' output; what can be called is what counts.
    nodes = re.findall(r"Name: (\S+)", readelf("--version-info", path))
    return sorted(name for name, _, defined in dynamic_symbols(path) if defined and name not in nodes)


def imports(path):
    return sorted(f"{name} weak" if binding == "WEAK" else name for name, binding, defined in dynamic_symbols(path) if not defined)


def test_exports():
    """Each exported name replaces another library's in every host: the list is exact, version nodes included."""
    assert exports(AGENT) == golden("exports.txt")
    assert [name for name in exports(AGENT) if "@" not in name] == [], "exported without a version node"


def test_imports():
    assert imports(AGENT) == golden("imports.txt")


def test_oldest_glibc():
    """An import of a newer version makes every program of an older image exit before main."""
    # What is needed. dlsym is also defined in a newer version, for programs that need that one.
    needs = readelf("--version-info", AGENT).partition("Version needs section")[2]
    versions = re.findall(r"\bGLIBC_(\d+)\.(\d+)", needs)
    assert versions
    assert max((int(major), int(minor)) for major, minor in versions) <= NEWEST_GLIBC


def test_hardening():
    kinds = {kind: flags for kind, _, flags in segments(AGENT)}
    assert "GNU_RELRO" in kinds
    assert "E" not in kinds["GNU_STACK"]
    assert not any("W" in flags and "E" in flags for _, _, flags in segments(AGENT))
    flags = " ".join(dynamic_entries(AGENT, "FLAGS") + dynamic_entries(AGENT, "FLAGS_1"))
    assert "BIND_NOW" in flags and "NOW" in flags
    # Hooks stay in other libraries' PLTs: the object must never be unmapped by a dlclose.
    assert "NODELETE" in flags
    assert dynamic_entries(AGENT, "TEXTREL") == [] and "TEXTREL" not in flags


def test_thread_local_storage():
    assert sum(size for kind, size, _ in segments(AGENT) if kind == "TLS") <= TLS_LIMIT
    relocations = readelf("--relocs", AGENT)
    # Dynamic models call __tls_get_addr, which allocates on a thread's first use.
    assert not re.search(r"R_X86_64_(DTPMOD64|DTPOFF64|TLSDESC)", relocations)
    assert not any(name.startswith("__tls_get_addr") for name, _, _ in dynamic_symbols(AGENT))


def check_reachable(library, *arguments):
    return subprocess.run(
        [sys.executable, CHECKER, library, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_hooks_reach_no_trap_allocation_or_lock():
    result = check_reachable(UNSTRIPPED_AGENT, "--cold", GOLDEN / "startup-functions.txt", "--imports", GOLDEN / "hook-imports.txt")
    assert result.returncode == 0, result.stdout


def test_the_deepest_chain_of_calls_fits_small_stacks():
    """With room for a URL that does not fit its slot, and for a libcurl that was loaded later. What calls really take is measured too."""
    command = [sys.executable, STACK_CHECKER, UNSTRIPPED_AGENT, "--cold", GOLDEN / "startup-functions.txt", "--limit", STACK_LIMIT]
    result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout


def test_the_checked_object_is_the_shipped_one(tmp_path):
    """The checker needs symbols, so it reads the build's own object: its code must be the code that ships."""
    text = []
    for index, path in enumerate((UNSTRIPPED_AGENT, AGENT)):
        copy = tmp_path / f"text{index}"
        subprocess.run(["objcopy", "--only-section=.text", "--output-target=binary", path, copy], check=True)
        text.append(copy.read_bytes())
    assert text[0] and text[0] == text[1]


# The checker itself: each program hides one thing behind one more way of getting there.
GUILTY = {
    "trap behind a call": (
        "static __attribute__((noinline)) void inner(int n) { if (n == 3) __builtin_trap(); __asm__(\"\"); }"
        "int hook(int n) { inner(n); return n; }",
        "trap: inner",
    ),
    "trap behind a table": (
        "static void inner(int n) { if (n == 3) __builtin_trap(); }"
        "void (*table[])(int) = {inner};"
        "int hook(int n) { table[0](n); return n; }",
        "trap: inner",
    ),
    "trap in a callback stored at run time": (
        "static void inner(int n) { if (n == 3) __builtin_trap(); } static void (*callback)(int);"
        "__attribute__((constructor)) static void start(void) { callback = inner; }"
        "int hook(int n) { callback(n); return n; }",
        "trap: inner",
    ),
    "trap in a tail call": (
        "__attribute__((noinline)) static int inner(int n) { if (n == 3) __builtin_trap(); return n * 7; }"
        "int hook(int n) { return inner(n + 1); }",
        "trap: inner",
    ),
    "allocation": ("#include <stdlib.h>\nvoid *hook(int n) { return malloc(n); }", "forbidden import: malloc"),
    "lock": ("#include <pthread.h>\nint hook(pthread_mutex_t *m) { return pthread_mutex_lock(m); }", "forbidden import: pthread_mutex_lock"),
    "system call": ("long hook(void) { long r; __asm__ volatile(\"syscall\" : \"=a\"(r) : \"a\"(39) : \"rcx\", \"r11\"); return r; }", "system call: hook"),
    "trap in a start-up function": ("void cold(void) { __builtin_trap(); } int hook(void) { return 1; }", "trap: cold"),
}
INNOCENT = (
    "#include <string.h>\n#include <stdlib.h>\n"
    "__attribute__((noinline)) void cold(void) { free(malloc(1)); __asm__(\"\"); }"
    "static int plain(int n) { return n + 1; } int (*table[])(int) = {plain};"
    "int hook(int n, char *a, char *b) { if (n == 9) cold(); memcpy(a, b, n); return table[0](n); }"
)


def compile_library(tmp_path, source):
    library = tmp_path / "library.so"
    (tmp_path / "library.c").write_text(source)
    command = ["cc", "-O2", "-fPIC", "-shared", "-fno-stack-protector", "-o", library, tmp_path / "library.c"]
    subprocess.run(command, check=True)
    (tmp_path / "cold").write_text("cold\n" if "void cold(" in source else "")
    (tmp_path / "imports").write_text("memcpy\n")
    return library, "--cold", tmp_path / "cold", "--imports", tmp_path / "imports"


@pytest.mark.parametrize("name", GUILTY)
def test_checker_finds(tmp_path, name):
    source, finding = GUILTY[name]
    result = check_reachable(*compile_library(tmp_path, source))
    assert result.returncode == 1, result.stdout
    assert f"FOUND {finding}" in result.stdout


def test_checker_passes_what_is_innocent(tmp_path):
    result = check_reachable(*compile_library(tmp_path, INNOCENT))
    assert result.returncode == 0, result.stdout


def test_checker_refuses_a_stripped_object(tmp_path):
    library, *arguments = compile_library(tmp_path, INNOCENT)
    subprocess.run(["strip", library], check=True)
    result = check_reachable(library, *arguments)
    assert result.returncode == 2 and "no symbol table" in result.stdout


if __name__ == "__main__":
    # What the golden lists would be for the agent in dist/: to be read, judged and copied.
    print("exports.txt:", *exports(AGENT), "", "imports.txt:", *imports(AGENT), sep="\n")
