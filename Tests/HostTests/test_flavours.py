"""Several libcurls in one process: each call reaches the one that it would reach without the agent, and no handle another's.

The libcurls are stamped_curl.c, which says what comes in and knows its own handles.
"""

import shutil

import pytest

from harness import programs
from harness.agent import wait_until
from harness.twin import outcome

VERSIONS = {"openssl": "CURL_OPENSSL_4", "gnutls": "CURL_GNUTLS_3", "nss": "CURL_NSS_3", "copy": None, "other": None}


def stamped(flavour):
    """The library, with that flavour's version node or none."""
    flags = ["-shared", "-fPIC", f'-DSTAMP="{flavour}"', f"-Wl,-soname,libstamped-{flavour}.so"]
    if VERSIONS[flavour]:
        script = programs.BUILT / f"stamped-{flavour}.map"
        programs.BUILT.mkdir(parents=True, exist_ok=True)
        script.write_text(f"{VERSIONS[flavour]} {{ global: curl_*; local: *; }};\n")
        flags.append(f"-Wl,--version-script={script}")
    return programs.build(f"libstamped-{flavour}.so", programs.SOURCES / "stamped_curl.c", flags=flags)


def plugin(flavour, binding):
    flags = ["-shared", "-fPIC", "-DPLUGIN", f"-Wl,-z,{binding}", f"-Wl,-rpath,{programs.BUILT}"]
    return programs.build(f"stamped-{binding}-{flavour}.so", programs.SOURCES / "stamped_user.c", flags=flags, libraries=[stamped(flavour)])


def user(linked=None):
    flags = ["-DLINKED", "-Wl,--no-as-needed", f"-Wl,-rpath,{programs.BUILT}"] if linked else ["-Wl,--unresolved-symbols=ignore-all"]
    libraries = [stamped(linked)] if linked else ["-ldl"]
    return programs.build(f"stamped_user-{linked or 'alone'}", programs.SOURCES / "stamped_user.c", flags=flags, libraries=libraries)


def path(word, binding):
    kind, _, flavour = word.partition(":")
    # A file of its own: what is loaded already is not bound again.
    binding = {"now": "lazy", "lazy": "now"}[binding] if kind == "deep" else binding
    return f"{kind}:{stamped(flavour) if kind == 'handle' else plugin(flavour, binding)}" if flavour else word


CASES = {
    "plug-ins of each": (None, "local:openssl local:gnutls local:nss local:copy local:other"),
    "dlsym of each": (None, "handle:openssl handle:gnutls handle:nss handle:copy handle:other"),
    "both": (None, "local:copy handle:copy handle:openssl local:openssl local:other handle:gnutls"),
    "in a program with its own": ("openssl", "- local:gnutls local:nss handle:gnutls"),
    # What was loaded with the program comes before a plug-in's own libcurl, when that has no version.
    "a copy in a program with its own": ("openssl", "- local:copy local:other"),
    "a program with an unversioned one": ("copy", "- local:openssl local:other local:gnutls"),
    # So does what was loaded RTLD_GLOBAL before.
    "behind a global one": (None, "global:copy local:other local:openssl"),
    "beside a global one": (None, "global:gnutls local:openssl local:copy"),
    "unloaded and loaded again": (None, "reload local:gnutls local:copy local:nss handle:other local:openssl handle:copy local:other"),
    "unloaded behind its own": ("openssl", "reload - local:copy handle:gnutls local:gnutls local:other handle:nss local:nss"),
    # Calls of a plug-in loaded RTLD_DEEPBIND are not seen.
    "made here and used there": (None, "swap local:openssl deep:openssl handle:gnutls deep:gnutls local:copy deep:copy"),
    "an address given out again": (None, "again local:openssl deep:openssl local:gnutls deep:gnutls"),
    "an address given out again by dlsym": (None, "again handle:copy deep:copy handle:nss deep:nss"),
}
OFF = {"relay": {"OTEL_NATIVE_RELAY": "off"}, "instrumentation": {"OTEL_NATIVE_DISABLED_INSTRUMENTATIONS": "curl"}}


def command_of(name, binding):
    linked, words = CASES[name]
    return [user(linked), *(path(word, binding) for word in words.split())]


def assert_same(agent, command, **variables):
    bare = outcome(agent.run_bare(*command, **variables), agent)
    traced = outcome(agent.run(*command, **variables), agent)
    assert bare.status == 0, bare
    assert traced == bare
    return bare


@pytest.mark.parametrize("binding", ["now", "lazy"])
@pytest.mark.parametrize("name", CASES)
def test_calls_reach_what_they_would_without(agent, name, binding):
    """The library's own words say where each call came in; no call leaves an errno or a message of dlerror."""
    bare = assert_same(agent, command_of(name, binding))
    assert "errno" not in bare.stdout and "symbol" not in bare.stdout
    # What the allocator gives is its business; here it is what the case is about.
    assert "the same address: 0" not in bare.stdout


@pytest.mark.parametrize("what", OFF)
def test_the_same_when_not_traced(agent, what):
    """Then nothing is known of handles: each call finds its library by itself, as an answer that was kept or anew."""
    for name in CASES:
        assert_same(agent, command_of(name, "now" if what == "relay" else "lazy"), **OFF[what])


def test_a_call_that_is_not_certain_is_counted(agent):
    """The handle's record is of another library than the one that the caller asked for: the call goes there, and is no span."""
    agent.start_relay()
    assert_same(agent, command_of("an address given out again", "now"))
    assert wait_until(lambda: "was not known with certainty" in agent.relay_status().stdout), agent.relay_status().stdout


def test_no_wild_memory_in_mixed_use(agent):
    """Under valgrind, whose own allocator gives no address out again at once."""
    valgrind = ["valgrind", "--quiet", "--error-exitcode=99",]
    done = agent.run(*valgrind, *command_of("made here and used there", "lazy"), timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_more_than_can_be_told_apart(agent, tmp_path):
    """Twenty libraries, and 16 numbers for them: what has none passes untraced, and to where it belongs."""
    copies = [tmp_path / f"libcopy{number}.so" for number in range(20)]
    for copy in copies:
        shutil.copy(stamped("copy"), copy)
    command = [user(), *(f"handle:{copy}" for copy in copies), f"local:{plugin('other', 'now')}", f"local:{plugin('nss', 'lazy')}"]
    bare = outcome(agent.run_bare(*command), agent)
    assert bare.status == 0
    assert outcome(agent.run(*command), agent) == bare


def test_the_stamp_is_seen(agent):
    """The control: a handle in another library ends the program, without the agent too."""
    script = (
        "import ctypes, sys; a, b = map(ctypes.CDLL, sys.argv[1:]); a.curl_easy_init.restype = ctypes.c_void_p;"
        "b.curl_easy_perform(ctypes.c_void_p(a.curl_easy_init()))"
    )
    for run in (agent.run_bare, agent.run):
        done = run("/usr/bin/python3", "-c", script, stamped("gnutls"), stamped("nss"))
        assert done.returncode == 70 and "nss got a handle of gnutls" in done.stdout
