#!/usr/bin/env python3
"""Proves what the agent's hooks cannot do: trap, allocate, lock, or make a system call.

    check-reachable.py LIBRARY --cold FILE --imports FILE [--root PATTERN]... [--list]

Disassembles LIBRARY (a shared object with its symbol table, x86-64) and walks its call graph from everything a running host can enter:

* every exported function;
* every function whose address is stored in data (the hook table) or taken by an instruction (a table filled at run time, a callback),
  because a call through a pointer cannot be followed. That is more than the truth, never less. Constructors are no such roots.

--cold FILE lists the functions that run once per process (start-up, the making of a region, fork, shutdown), one per line, `#` starts a
comment, shell patterns allowed. The walk stops there. They may allocate, lock and make system calls; they may not trap either. An entry
without which nothing more would be found is a finding too, as long as nothing else is.
--imports FILE lists the functions of other libraries that hot code may call.
--root PATTERN replaces the roots by the functions that match. --list prints every hot function with its size.

Exit status: 0 nothing found, 1 something found, 2 wrong use or an object this script cannot judge.
"""

import argparse
import bisect
import fnmatch
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

# What stops the process. `int` with an operand is a trap too (int $0x29), except 0x80, which is a system call.
TRAPS = {"ud0", "ud1", "ud2", "int3", "int", "hlt", "into", "icebp", "int1"}
SYSTEM_CALLS = {"syscall", "sysenter"}

# Functions of the object itself that allocate, lock or count references, whatever they call: the Embedded Swift runtime's.
FORBIDDEN = [
    "swift_alloc*", "swift_slowAlloc*", "swift_dealloc*", "swift_slowDealloc*", "swift_retain*", "swift_release*", "swift_nonatomic_*",
    "swift_bridgeObject*", "swift_once*", "swift_beginAccess*", "swift_init*", "*_assertionFailure*", "*_fatalErrorMessage*", "abort",
]
# Reached only through .init_array and .fini_array, or by the linker: not callable by a host.
LINKER_FUNCTIONS = {"_init", "_fini", "_start", "frame_dummy", "register_tm_clones", "deregister_tm_clones", "__do_global_dtors_aux"}


class Unjudgeable(Exception):
    """The object has a shape this script does not know; the text says which."""


@dataclass
class Function:
    address: int
    names: list[str]
    size: int
    instructions: int = 0
    traps: list[int] = field(default_factory=list)
    system_calls: list[int] = field(default_factory=list)
    indirect: list[tuple[int, str]] = field(default_factory=list)
    callees: set[int] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)

    @property
    def name(self):
        return self.names[0]

    def matches(self, pattern):
        return any(fnmatch.fnmatchcase(name, pattern) for name in self.names)


class Object:
    """The functions of a shared object, what each one does, and which of them can be entered without a visible call."""

    def __init__(self, path):
        self.path = path
        self.functions = {}
        self.exported = set()
        self.address_taken = set()
        self._read_symbols()
        self._starts = sorted(self.functions)
        self._imports_at = {}
        self._read_relocations(self._sections())
        self._disassemble()

    def at(self, address):
        """The function that contains `address`, or None."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        function = self.functions[self._starts[index]]
        return function if address < function.address + max(function.size, 1) else None

    def matching(self, pattern):
        return {address for address, function in self.functions.items() if function.matches(pattern)}

    def _read_symbols(self):
        table = None
        for line in output("readelf", "--syms", "--wide", self.path).splitlines():
            if match := re.match(r"Symbol table '(\S+)'", line):
                table = match[1]
            column = line.split()
            if len(column) < 8 or column[3] not in ("FUNC", "IFUNC") or column[6] == "UND":
                continue
            address, size, name = int(column[1], 16), int(column[2], 0), column[7].split("@")[0]
            if table == ".dynsym":
                self.exported.add(address)
            function = self.functions.setdefault(address, Function(address, [], size))
            function.size = max(function.size, size)
            if name not in function.names:
                function.names.append(name)
            if column[3] == "IFUNC":
                raise Unjudgeable(f"{name} is an IFUNC: its resolver runs inside the dynamic linker. Call the implementation directly.")
        if table != ".symtab":
            raise Unjudgeable("no symbol table: give the unstripped object that the build left in its scratch path.")

    def _sections(self):
        """[start, end) and name of each section."""
        sections = []
        for line in output("readelf", "--sections", "--wide", self.path).splitlines():
            if match := re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+\S+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)", line):
                start = int(match[2], 16)
                sections.append((start, start + int(match[3], 16), match[1]))
        if any(name == ".relr.dyn" for *_, name in sections):
            raise Unjudgeable("packed relative relocations (.relr.dyn) need glibc 2.36: link with -z nopack-relative-relocs.")
        return sections

    def _read_relocations(self, sections):
        def section_of(address):
            return next((name for start, end, name in sections if start <= address < end), "")

        for line in output("readelf", "--relocs", "--wide", self.path).splitlines():
            match = re.match(r"([0-9a-f]{16})\s+[0-9a-f]{16}\s+(R_X86_64_\w+)\s*(.*)$", line)
            if not match:
                continue
            place, kind, rest = int(match[1], 16), match[2], match[3].split()
            constructor = section_of(place) in (".init_array", ".fini_array", ".preinit_array")
            if kind == "R_X86_64_RELATIVE":
                if not constructor:
                    self._take_address(int(rest[0], 16))
            elif kind in ("R_X86_64_JUMP_SLOT", "R_X86_64_GLOB_DAT", "R_X86_64_64"):
                value, name = int(rest[0], 16), rest[1].split("@")[0]
                if value == 0:
                    self._imports_at[place] = name
                elif not constructor:
                    self._take_address(value)

    def _take_address(self, address):
        function = self.functions.get(address)
        if function and function.name not in LINKER_FUNCTIONS:
            self.address_taken.add(address)

    def _disassemble(self):
        stub, stubs, code = None, {}, []
        for line in output("objdump", "--disassemble", "--no-show-raw-insn", "--wide", self.path).splitlines():
            if match := re.match(r"[0-9a-f]{16} <(.+)>:$", line):
                stub = match[1][: -len("@plt")] if match[1].endswith("@plt") else None
            elif match := re.match(r"\s*([0-9a-f]+):\t(.*)$", line):
                if stub:
                    stubs[int(match[1], 16)] = stub.split("@")[0]
                else:
                    code.append((int(match[1], 16), match[2]))
        self._name_the_nameless(code, stubs)
        jumps = []
        for address, text in code:
            # Linkers fill the gaps between functions with int3: an instruction counts only inside its function.
            if function := self.at(address):
                function.instructions += 1
                self._read_instruction(function, address, text, jumps)
        # A call through the PLT may come back: to a function of this object that a preload before it could replace.
        own = {name: address for address in self.exported for name in self.functions[address].names}
        for function, target in jumps:
            target = own.get(stubs.get(target), target)
            if target in stubs:
                function.imports.add(stubs[target])
            elif (callee := self.at(target)) is None:
                raise Unjudgeable(f"{function.name} calls {target:#x}, where no code is.")
            elif callee is not function:
                function.callees.add(callee.address)

    def _name_the_nameless(self, code, stubs):
        """Functions with a compiler's private label have no symbol, and those in assembly may have no size: each lasts to the next
        function or to the linker's padding."""
        instructions = dict(code)
        order = [address for address, _ in code]

        def size_from(start):
            index = bisect.bisect_left(order, start)
            while index < len(order) and (order[index] == start or order[index] not in self.functions):
                if instructions[order[index]].startswith("int3"):
                    break
                index += 1
            return (order[index] if index < len(order) else order[-1] + 1) - start

        for function in self.functions.values():
            function.size = function.size or size_from(function.address)
        for _, text in code:
            target = direct_target(text)
            if target is None or target in stubs or target not in instructions or self.at(target):
                continue
            self.functions[target] = Function(target, [f"nameless_{target:x}"], size_from(target))
            bisect.insort(self._starts, target)

    def _read_instruction(self, function, address, text, jumps):
        mnemonic, operands, referred = parse(text)
        if mnemonic in SYSTEM_CALLS or (mnemonic == "int" and operands == "$0x80"):
            function.system_calls.append(address)
        elif mnemonic in TRAPS or mnemonic == "(bad)":
            function.traps.append(address)
        elif mnemonic.startswith(("call", "j", "loop")):
            if not operands.startswith("*"):
                jumps.append((function, direct_target(text)))
            elif referred in self._imports_at:
                function.imports.add(self._imports_at[referred])
            else:
                function.indirect.append((address, f"{mnemonic} {operands}"))
        elif referred is not None:
            if referred in self._imports_at:
                function.imports.add(self._imports_at[referred])
            elif mnemonic.startswith("lea"):
                self._take_address(referred)


@dataclass
class Reach:
    """What a walk from some roots comes to."""

    functions: list[Function]
    imports: dict[str, set[str]]

    @classmethod
    def of(cls, library, roots, cut):
        seen, todo, imports = set(), list(roots), {}
        while todo:
            address = todo.pop()
            if address in seen or address in cut:
                continue
            seen.add(address)
            function = library.functions[address]
            todo += function.callees
            for name in function.imports:
                imports.setdefault(name, set()).add(function.name)
        return cls(sorted((library.functions[a] for a in seen), key=lambda f: f.name), imports)

    def summary(self):
        return f"{len(self.functions)} functions, {sum(f.instructions for f in self.functions)} instructions"

    def traps(self):
        return [f"trap: {f.name} has {len(f.traps)} at {addresses(f.traps)}" for f in self.functions if f.traps]

    def other_findings(self, allowed_imports):
        for function in self.functions:
            if function.system_calls:
                yield f"system call: {function.name} makes one at {addresses(function.system_calls)}"
            if any(function.matches(pattern) for pattern in FORBIDDEN):
                yield f"forbidden function: {function.name} is reached"
        for name in sorted(set(self.imports) - allowed_imports):
            yield f"forbidden import: {name} is called by {', '.join(sorted(self.imports[name]))}"


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def parse(text):
    """One line of objdump: mnemonic without prefixes, operands, and the address that a `# comment` resolves, or None."""
    text, _, comment = text.partition("#")
    words = text.split()
    while len(words) > 1 and words[0] in ("notrack", "bnd", "lock", "rep", "repz", "repnz", "data16", "cs"):
        words.pop(0)
    resolved = re.match(r"\s*([0-9a-f]+)", comment)
    return words[0] if words else "", " ".join(words[1:]), int(resolved[1], 16) if resolved else None


def direct_target(text):
    mnemonic, operands, _ = parse(text)
    if mnemonic.startswith(("call", "j", "loop")) and (match := re.match(r"([0-9a-f]+)", operands)):
        return int(match[1], 16)
    return None


def addresses(values):
    shown = ", ".join(hex(value) for value in values[:4])
    return shown + (", …" if len(values) > 4 else "")


def entries(path):
    """The lines of a golden file, without comments and blanks."""
    lines = (line.split("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [line for line in lines if line]


def route(library, roots, cut, target):
    """The shortest chain of calls from a root to `target`, for the reader of a finding."""
    came_from, todo = {root: None for root in roots if root not in cut}, [root for root in roots if root not in cut]
    for address in todo:
        if address == target:
            chain = []
            while address is not None:
                chain.append(library.functions[address].name)
                address = came_from[address]
            return " → ".join(reversed(chain))
        for callee in library.functions[address].callees:
            if callee not in came_from and callee not in cut:
                came_from[callee] = address
                todo.append(callee)
    return ""


def is_needless(library, pattern, cold_patterns, roots, allowed_imports):
    """Whether the walk finds nothing more without the entry: what it cuts off is harmless, or cut off by others."""
    others = set().union(*(library.matching(other) for other in cold_patterns if other != pattern))
    hot = Reach.of(library, roots - others, others)
    return not hot.traps() and not any(hot.other_findings(allowed_imports))


def check(library, cold_patterns, allowed_imports, root_patterns, list_all):
    """Prints the report; returns the number of findings."""
    stale = [pattern for pattern in cold_patterns + root_patterns if not library.matching(pattern)]
    cold = set().union(*(library.matching(pattern) for pattern in cold_patterns)) if cold_patterns else set()
    if root_patterns:
        roots = set().union(*(library.matching(pattern) for pattern in root_patterns))
    else:
        roots = (library.exported | library.address_taken) & set(library.functions)
    hot = Reach.of(library, roots - cold, cold)
    hot_addresses = {function.address for function in hot.functions}
    once = Reach.of(library, cold, hot_addresses)
    needless = [pattern for pattern in cold_patterns if pattern not in stale and is_needless(library, pattern, cold_patterns, roots, allowed_imports)]

    print(f"{library.path}: {len(roots - cold)} roots ({len(library.exported)} exported), {len(cold)} start-up functions")
    print(f"hot:  {hot.summary()}; imports: {' '.join(sorted(hot.imports)) or 'none'}")
    print(f"cold: {once.summary()}; imports: {' '.join(sorted(set(once.imports) - set(hot.imports))) or 'none'}")
    for function in hot.functions:
        if list_all:
            print(f"  {function.instructions:6} {function.name}")
        for address, text in function.indirect:
            print(f"  call through a pointer in {function.name} at {address:#x}: {text}")

    findings = [f"stale entry: {pattern!r} matches no function" for pattern in stale]
    findings += [f"needless entry: nothing more would be found without {pattern!r}" for pattern in needless]
    findings += hot.traps() + list(hot.other_findings(allowed_imports))
    findings += [f"{line} (start-up function)" for line in once.traps()]
    for finding in findings:
        print(f"FOUND {finding}")
    guilty = {f.address for f in hot.functions if f.traps or f.system_calls or f.imports - allowed_imports or any(map(f.matches, FORBIDDEN))}
    for address in sorted(guilty):
        print(f"  by way of {route(library, roots, cold, address)}")
    print(f"{len(findings)} found" if findings else "ok: no trap, allocation, lock or system call can be reached from a hook")
    return len(findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--cold", metavar="FILE")
    parser.add_argument("--imports", metavar="FILE")
    parser.add_argument("--root", metavar="PATTERN", action="append", default=[])
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    try:
        library = Object(options.library)
        cold = entries(options.cold) if options.cold else []
        imports = set(entries(options.imports)) if options.imports else set()
    except (Unjudgeable, OSError, subprocess.CalledProcessError) as error:
        print(f"{options.library}: not judged: {error}", file=sys.stderr)
        return 2
    return 1 if check(library, cold, imports, options.root, options.list) else 0


if __name__ == "__main__":
    sys.exit(main())
