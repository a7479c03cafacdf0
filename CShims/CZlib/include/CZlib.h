// zlib for Swift: gzip of a whole buffer. zlib's interface is macros (deflateInit2) and a struct that has to be zeroed.
#pragma once
#include <stddef.h>

#pragma clang assume_nonnull begin

/// Bytes that `czlib_gzip` needs at most for `count` bytes.
size_t czlib_gzip_bound(size_t count);
/// Compresses `count` bytes into `target` as one gzip member (RFC 1952). Returns its length, or 0: no memory, or no room.
size_t czlib_gzip(const void *source, size_t count, void *target, size_t capacity);

#pragma clang assume_nonnull end
