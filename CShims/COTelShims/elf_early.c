#include "elf_early.h"
#include "include/otel_elf.h"
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <sys/auxv.h>

// A sanitizer's library asks dlsym for the functions that it intercepts before it can be called by those names: strcmp, memset and
// dl_iterate_phdr lead through null pointers until then. So this calls nothing but getauxval, which nobody intercepts, and takes no loop
// for a function of the C library's (no_builtin).
#define OTEL_ALONE __attribute__((no_builtin))

OTEL_ALONE static bool is_same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

OTEL_ALONE const struct link_map *otel_elf_first_object(void) {
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    const ElfW(Phdr) *dynamic = NULL;
    uintptr_t base = 0;
    for (unsigned long i = 0; headers && i < count; i++) {
        if (headers[i].p_type == PT_PHDR) base = (uintptr_t)headers - headers[i].p_vaddr;
        if (headers[i].p_type == PT_DYNAMIC) dynamic = &headers[i];
    }
    if (!dynamic) return NULL;
    for (const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(base + dynamic->p_vaddr); entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_DEBUG && entry->d_un.d_ptr) return ((const struct r_debug *)entry->d_un.d_ptr)->r_map;
    return NULL;
}

/// The default definition of `name`, in an object with DT_GNU_HASH that ld.so has relocated in place. Another copy of the agent has none of
/// dlsym: both versions that it defines are no defaults.
OTEL_ALONE static void *definition(const struct link_map *object, const char *name) {
    const char *strings = NULL;
    const ElfW(Sym) *symbols = NULL;
    const ElfW(Half) *versions = NULL;
    const uint32_t *table = NULL;
    for (const ElfW(Dyn) *entry = object->l_ld; entry->d_tag != DT_NULL; entry++) {
        // vDSO: read-only, so not relocated.
        if (entry->d_tag == DT_STRTAB && entry->d_un.d_ptr < object->l_addr) return NULL;
        if (entry->d_tag == DT_STRTAB) strings = (const char *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_SYMTAB) symbols = (const ElfW(Sym) *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_VERSYM) versions = (const ElfW(Half) *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_GNU_HASH) table = (const uint32_t *)entry->d_un.d_ptr;
    }
    if (!strings || !symbols || !table || table[0] == 0) return NULL;
    uint32_t hash = 5381;
    for (const char *c = name; *c; c++) hash = hash * 33 + (unsigned char)*c;
    const uint32_t *buckets = table + 4 + table[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = buckets + table[0];
    for (uint32_t symbol = buckets[hash % table[0]]; symbol >= table[1]; symbol++) {
        const ElfW(Sym) *entry = &symbols[symbol];
        uint32_t found = chain[symbol - table[1]];
        bool is_default = !versions || (versions[symbol] & 0x8000) == 0;
        if ((found | 1) == (hash | 1) && is_default && entry->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(entry->st_info) == STT_FUNC &&
            is_same(strings + entry->st_name, name))
            return (void *)(object->l_addr + entry->st_value);
        if (found & 1) return NULL;
    }
    return NULL;
}

OTEL_ALONE void *otel_elf_next_early(const char *name) {
    const struct link_map *object = otel_elf_first_object();
    while (object && object->l_ld != _DYNAMIC) object = object->l_next;
    void *found = NULL;
    while (object && !found && (object = object->l_next)) found = definition(object, name);
    return found;
}
