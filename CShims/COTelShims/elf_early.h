// ld.so's own list of what is loaded.
#pragma once
#include <link.h>

/// The loaded objects in load order, as ld.so keeps them for debuggers; null when the program does not say where. Calls nothing that may be
/// intercepted, and takes no lock.
const struct link_map *otel_elf_first_object(void);
