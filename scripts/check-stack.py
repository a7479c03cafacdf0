#!/usr/bin/env python3
"""Bounds what the agent's hooks take of their caller's stack, without running them.

    check-stack.py LIBRARY --cold FILE --limit BYTES

Disassembles LIBRARY as check-reachable.py does, takes each function's frame from its pushes and subtractions, and adds up the deepest chain of
direct calls from every function that a host can enter: an exported one, or one of the hook table. Functions in --cold FILE are left out.
More than the truth, never less: ways through a function that exclude each other are added up.

Exit status: 0 no chain is over the limit, 1 over it, 2 a frame or a recursion that cannot be judged.
"""

import argparse
import importlib.util
import re
import sys
from pathlib import Path

RETURN_ADDRESS = 8
# A function of libc that a hook may call: memcpy and the vDSO's clock are leaves or nearly so.
IMPORT = 256


def reachable():
    path = Path(__file__).with_name("check-reachable.py")
    spec = importlib.util.spec_from_file_location("reachable", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["reachable"] = module
    spec.loader.exec_module(module)
    return module


def frames(library, output):
    """Address of each function -> bytes of its frame: the most that any straight way through it pushes and subtracts."""
    sizes, depth, current = {}, 0, None
    for line in output("objdump", "--disassemble", "--no-show-raw-insn", "--wide", library.path).splitlines():
        match = re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(\S*)", line)
        function = library.at(int(match[1], 16)) if match else None
        if not function:
            continue
        if function is not current:
            current, depth = function, 0
        mnemonic, operands = match[2], match[3]
        if mnemonic.startswith("push"):
            depth += 8
        elif mnemonic.startswith("pop"):
            depth -= 8
        elif found := re.match(r"\$(-?0x[0-9a-f]+),%rsp$", operands):
            number = int(found[1], 16)
            if mnemonic.startswith("sub"):
                depth += number
            elif mnemonic.startswith("add"):
                depth -= number
            elif mnemonic.startswith("and"):
                depth += (-number) & 0xFFF
        elif operands.endswith(",%rsp") and mnemonic.startswith("sub"):
            raise SystemExit(f"{function.name} has a frame of a size that only shows when it runs")
        most = sizes[function.address] = max(sizes.get(function.address, 0), depth)
        if mnemonic.startswith(("ret", "jmp")) or mnemonic == "ud2":
            depth = most  # What follows was jumped to from inside.
    return sizes


def deepest(library, sizes, address, cut, known, way):
    """Bytes below the caller's frame, and the chain that takes them."""
    if address in way:
        raise SystemExit(f"{library.functions[address].name} calls itself")
    if address not in known:
        function = library.functions[address]
        below = max((deepest(library, sizes, callee, cut, known, way | {address}) for callee in function.callees if callee not in cut),
                    default=(IMPORT if function.imports else 0, ""))
        known[address] = (RETURN_ADDRESS + sizes.get(address, 0) + below[0], f"{function.name} → {below[1]}".removesuffix(" → "))
    return known[address]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--cold", metavar="FILE", required=True)
    parser.add_argument("--limit", type=int, required=True)
    options = parser.parse_args()
    module = reachable()
    try:
        library = module.Object(options.library)
        cold = set().union(*(library.matching(pattern) for pattern in module.entries(options.cold)))
        sizes, known = frames(library, module.output), {}
        worst = {}
        for kind, roots in (("exported", library.exported), ("table", library.address_taken - library.exported)):
            worst[kind] = max(deepest(library, sizes, root, cold, known, frozenset()) for root in roots & set(library.functions) if root not in cold)
            print(f"{kind}: {worst[kind][0]} bytes: {worst[kind][1]}")
    except (module.Unjudgeable, SystemExit) as error:
        print(f"{options.library}: not judged: {error}", file=sys.stderr)
        return 2
    return max(bytes for bytes, _ in worst.values()) > options.limit


if __name__ == "__main__":
    sys.exit(main())
