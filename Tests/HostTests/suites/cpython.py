"""CPython's own tests, as Debian packages them, with Debian's python3.11."""

import re
from xml.etree import ElementTree

from .suite import Suite, package_version, run_to_end

PYTHON = "/usr/bin/python3.11"
# Those that use the network: their own connections are what is recorded, so that regions are made in the middle of a test.
NETWORK = (
    "test_socket test_ssl test_asyncio test_httplib test_urllib test_urllib2_localnet test_httpservers "
    "test_ftplib test_smtplib test_poplib test_imaplib test_nntplib test_telnetlib test_xmlrpc test_docxmlrpc test_wsgiref "
    "test_robotparser test_logging"
).split()
OTHERS = (
    "test_asyncore test_asynchat test_urllib2 test_subprocess test_threading test_threadsignals test_signal test_posix test_os test_fork1 test_wait3 test_wait4 test_popen "
    "test_multiprocessing_fork test_multiprocessing_spawn test_multiprocessing_forkserver test_concurrent_futures test_ctypes test_selectors "
    "test_select test_poll test_epoll test_eintr test_faulthandler test_pty test_mmap test_fcntl test_resource test_io test_fileio "
    "test_tempfile test_shutil test_sys test_gc test_cmd_line test_thread test_exceptions test_queue"
).split()
# A virtual machine without a vsock device waits in accept for ever, without us as well.
HANGING = ["*VSOCK*"]


def verdict(case):
    for kind, word in (("failure", "fail"), ("error", "error"), ("skipped", "skip")):
        if case.find(kind) is not None:
            return word
    return "pass"


class CPython(Suite):
    name = "CPython"
    origin = "libpython3.11-testsuite, `python3.11 -m test`"
    # Longer than any module takes on a busy machine; one that hangs is ended.
    longest_seconds = 900

    def version(self):
        return package_version("libpython3.11-testsuite")

    def parts(self):
        return {module: False for module in NETWORK} | {module: True for module in OTHERS}

    def run(self, part, tests, environment, folder):
        module, _, pattern = part.partition(" ")
        whole = f"{module} as a whole"
        patterns = [f"-m={test}" for test in tests or pattern.split() if test != whole]
        # The test that differs is the module: its sum.
        if tests and not patterns:
            patterns = [f"-m={test}" for test in pattern.split()]
        result = folder / "result.xml"
        ignored = [f"-i={hanging}" for hanging in HANGING]
        status, said = run_to_end(
            [PYTHON, "-m", "test", f"--timeout={self.longest_seconds}", f"--junit-xml={result}", f"--tempdir={folder}", *patterns, *ignored, module],
            environment | {"TMPDIR": str(folder)},
            folder,
            timeout=self.longest_seconds + 60,
        )
        verdicts = {}
        if result.exists():
            for case in ElementTree.parse(result).iter("testcase"):
                # A subtest's parameters may be addresses and ids.
                name = re.sub(r" [\[(].*", "", case.get("name"))
                if verdicts.get(name, "pass") in ("pass", "skip"):
                    verdicts[name] = verdict(case)
        # A module that is skipped as a whole has no cases; one that crashed has no result at all.
        verdicts[whole] = "skip" if re.search(r"^1 test skipped:", said, re.M) else f"exit {status}"
        return verdicts
