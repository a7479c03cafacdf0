// The files that OTEL_EXPORTER_OTLP_{CERTIFICATE,CLIENT_CERTIFICATE,CLIENT_KEY} name, on their way from a program to its relay.
//
// The program reads them itself, in its helper: with its rights, its root directory, its name spaces and its working directory. The relay
// opens no name that a program gives it: it may be permitted more than that program is.
#pragma once

#pragma clang assume_nonnull begin

/// Each null when there is no such file. Borrowed.
struct otel_tls_paths {
    const char *_Nullable certificate;
    const char *_Nullable client_certificate;
    const char *_Nullable client_key;
};

enum { OTEL_TLS_FILE_MOST = 512 << 10, OTEL_TLS_FILES_MOST = 3 * (OTEL_TLS_FILE_MOST + 64) };

/// Reads the files into a memfd that is sealed against every change. It holds entries that end in NUL: `certificate=` and the file's
/// bytes, or `certificate.error=` and a decimal errno when it could not be read; the same with `client_certificate` and
/// `client_key`. A file longer than OTEL_TLS_FILE_MOST bytes is EFBIG.
///
/// Returns the descriptor (close-on-exec); -1 when no path is set, or -errno. Raw system calls on the caller's descriptors, no wait but for
/// a regular file's bytes.
int otel_tls_files_read(const struct otel_tls_paths *paths);

#pragma clang assume_nonnull end
