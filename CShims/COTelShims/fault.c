// The build for tests alone. The environment says what fails:
//
//   OTEL_FAULT_SITE=NAME;NAME         the steps of these names, always
//   OTEL_FAULT_SITE=NAME;NAME:once    the last of them once in each process
//   OTEL_FAULT_ERRNO=NUMBER           of a system call that fails; 1 is the default
//   OTEL_FAULT_REPORT=FILE            gets a line for the first time that a process comes to a step: "reached NAME", or "failed NAME"
//
// Which names there are, the object says: strings that begin with "fault: ". The linker keeps those of reachable code only.
#include "include/otel_fault.h"

#if OTEL_FAULT_INJECTION
#include "include/otel_syscall.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

enum { SITES_MOST = 512 };
static char wanted[512], report[256];
static bool is_once, has_failed, is_ready;
static long error = 1;
static const char *met[SITES_MOST];

static const char *variable(const char *name) {
    size_t length = strlen(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=') return *entry + length + 1;
    return NULL;
}

static void copy(char *target, size_t capacity, const char *name) {
    const char *value = variable(name);
    if (value && strlen(value) < capacity) memcpy(target, value, strlen(value) + 1);
}

static void read_environment(void) {
    copy(wanted, sizeof wanted, "OTEL_FAULT_SITE");
    copy(report, sizeof report, "OTEL_FAULT_REPORT");
    const char *number = variable("OTEL_FAULT_ERRNO");
    for (error = number ? 0 : 1; number && *number >= '0' && *number <= '9'; number++) error = error * 10 + *number - '0';
    size_t length = strlen(wanted);
    static const char once[] = ":once";
    is_once = length > sizeof once - 1 && !strcmp(wanted + length - (sizeof once - 1), once);
    if (is_once) wanted[length - (sizeof once - 1)] = 0;
    is_ready = true;
}

/// Strings of one name may be several.
static bool is_first_time(const char *site) {
    for (int i = 0; i < SITES_MOST; i++) {
        if (met[i] && strcmp(met[i], site)) continue;
        bool is_new = !met[i];
        met[i] = site;
        return is_new;
    }
    return false;
}

static void tell(const char *site, bool fails) {
    if (!report[0] || !is_first_time(site)) return;
    char line[256] = "reached ";
    if (fails) memcpy(line, "failed  ", 8);
    size_t length = strlen(site);
    if (length > sizeof line - 9) return;
    memcpy(line + 8, site, length);
    line[8 + length] = '\n';
    long file = otel_system_call(SYS_openat, AT_FDCWD, (long)report, O_WRONLY | O_APPEND | O_CLOEXEC, 0, 0, 0);
    if (file < 0) return;
    otel_system_call(SYS_write, file, (long)line, (long)(9 + length), 0, 0, 0);
    otel_system_call(SYS_close, file, 0, 0, 0, 0, 0);
}

/// The place of `site` in the list; null when it is not there.
static const char *find(const char *site) {
    size_t length = strlen(site);
    for (const char *name = wanted; *name; name += *name == ';') {
        const char *start = name;
        while (*name && *name != ';') name++;
        if ((size_t)(name - start) == length && !memcmp(start, site, length)) return start;
    }
    return NULL;
}

bool otel_fault(const char *site) {
    if (!is_ready) read_environment();
    site += sizeof "fault: " - 1;
    const char *place = find(site);
    bool is_last = place && !strchr(place, ';');
    bool fails = place && !(is_last && is_once && has_failed);
    if (fails && is_last) has_failed = true;
    tell(site, fails);
    return fails;
}

long otel_fault_error(void) { return -error; }
#endif
