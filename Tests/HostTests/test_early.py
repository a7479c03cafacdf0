"""Hooks that are called before the agent's constructor ran: by that of a library preloaded behind it, or of one that the program needs."""

import ctypes
import re

import pytest

from harness import preloads, programs
from harness.agent import DIST, REPOSITORY

SHARED = ["-shared", "-fPIC"]


def early(flavour="openssl"):
    return programs.build(f"libearly-{flavour}.so", programs.SOURCES / "early.c", flags=SHARED, libraries=[programs.FLAVOURS[flavour]])


def needing(flavour):
    """A program that needs the library, and a link editor's view of what that needs."""
    flags = ["-DUSER", "-Wl,--no-as-needed", f"-Wl,-rpath,{programs.BUILT}", "-Wl,--allow-shlib-undefined"]
    return programs.build(f"early_user-{flavour}", programs.SOURCES / "early.c", flags=flags, libraries=[early(flavour)])


def test_every_function_of_libc_is_called():
    """A new hook has to come into the program's table."""
    exports = (REPOSITORY / "scripts/golden/exports.txt").read_text()
    hooked = set(re.findall(r"^(\w+)@GLIBC_[\d.]+$", exports, re.M))
    called = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(ctypes.CDLL(str(early())), "early_names"))).decode().split()
    assert hooked - set(called) == set()


@pytest.mark.parametrize("flavour", programs.FLAVOURS)
@pytest.mark.parametrize("how", ["before", "after", "needed"])
def test_constructor(agent, how, flavour):
    """The same numbers, contents and messages as without the agent."""
    library, agents = str(early(flavour)), str(DIST.library)
    program = needing(flavour) if how == "needed" else "/bin/true"
    bare = {"before": library, "after": library, "needed": None}[how]
    traced = {"before": f"{library}:{agents}", "after": f"{agents}:{library}", "needed": agents}[how]
    done = preloads.same(agent, bare, traced, program)
    assert done.status == 0
    assert done.stdout.count("perform: 0\n") == 1 and done.stdout.count("perform: 7\n") == 1, done.stdout


def test_constructor_beside_a_stand_in_for_dl_iterate_phdr(agent):
    """Where finding libcurl takes looks at all objects, before the agent's constructor."""
    others = f"{programs.library('iterates.so')}:{early('gnutls')}"
    assert preloads.same(agent, others, f"{DIST.library}:{others}", "/bin/true").status == 0
