"""The tests' own small hosts, one C or C++ file each, compiled when first asked for."""

import contextlib
import os
import subprocess
from pathlib import Path

from .agent import REPOSITORY

SOURCES = REPOSITORY / "Tests/HostTests/programs"
BUILT = REPOSITORY / ".build/host-programs"
# The -dev packages of the others cannot be there with OpenSSL's; the headers are the same.
FLAVOURS = {"openssl": "-lcurl", "gnutls": "-l:libcurl-gnutls.so.4", "nss": "-l:libcurl-nss.so.4"}
GNUTLS = FLAVOURS["gnutls"]


def build(name, source=None, flags=(), libraries=(), compiler=None):
    """Compiles `source` (Tests/HostTests/programs/`name`.c) unless that was done since it last changed; returns the program."""
    source = Path(source) if source else SOURCES / f"{name}.c"
    program = BUILT / name
    newest = max(file.stat().st_mtime for file in [source, *SOURCES.glob("*.h")])
    if not program.exists() or program.stat().st_mtime < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        new = program.with_name(f"{name}.new.{os.getpid()}")
        compiler = compiler or (["g++"] if source.suffix == ".cc" else ["gcc", "-std=gnu11"])
        command = [*compiler, "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", *flags, "-o", new, source, *libraries]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stderr}"
        new.rename(program)
    return program


@contextlib.contextmanager
def serving(name):
    """Runs a server of ours for as long as it is needed; yields the line that it says when it is ready."""
    process = subprocess.Popen([build(name)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def build_cpp(name, flags=()):
    """The same for a program in C++ that uses libcurl; one for each set of flags."""
    return build("".join([name, *flags]), SOURCES / f"{name}.cc", flags, ["-lcurl"], ("g++", "-std=gnu++17"))


def library(name, libraries=()):
    return build(name, SOURCES / f"{name.removesuffix('.so')}.c", flags=["-shared", "-fPIC"], libraries=libraries)


def curl_plugin(flavour):
    """curl_plugin.c, linked with one flavour of libcurl."""
    return build(f"curl_plugin-{flavour}.so", SOURCES / "curl_plugin.c", flags=["-shared", "-fPIC"], libraries=[FLAVOURS[flavour]])


def http_client(flavour="openssl"):
    """examples/c-http-client, linked with one flavour of libcurl."""
    return build(
        f"c-http-client-{flavour}",
        REPOSITORY / "examples/c-http-client/client.c",
        libraries=[FLAVOURS[flavour]],
    )
