// Standard error, for the exporter "console": the one output of a host that the agent ever writes to, because the user asked for it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What descriptor 2 was when the program started.
struct otel_console {
    uint64_t device, inode;
    uint32_t type;       ///< S_IFMT of its mode
    bool is_open;        ///< false: the program was started without it
    bool is_deleted;     ///< no directory has it: its inode number may become another file's
    bool is_pipe;        ///< more than PIPE_BUF bytes may be torn apart by other writers (pipe(7))
};

/// Looks at descriptor 2. For the constructor.
void otel_console_open(struct otel_console *console);

/// Writes `size` bytes with one write(2) to descriptor 2, if that is still the file it was. `text[-1]` is a line feed: it is written too
/// where a write before this one was cut short.
///
/// Raw system calls: any thread; async-signal-safe; errno and the signal mask stay. Raises no signal: neither SIGPIPE nor SIGXFSZ, and
/// SIGTTOU does not stop the program. Waits as the program's own write would, and no longer: EAGAIN and EINTR are failures.
/// Returns whether all of it was written.
bool otel_console_write(const struct otel_console *console, const char *text, size_t size);

#pragma clang assume_nonnull end
