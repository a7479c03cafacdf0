// The tables of one loaded object, read no further than its segments go. For elf.c.
#pragma once
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/// Bytes from an address to the end of the segment that it is in. ld.so has loaded the object, but has perhaps never looked at the tables
/// that we look at: tools that pack, sign or patch objects leave some in pieces, and a fault here would be the program's.
struct table {
    const char *start; ///< null: there is none
    size_t size;
};

/// What is needed of an object's dynamic section.
struct object {
    uintptr_t base;
    const struct dl_phdr_info *info;
    struct table strings;
    struct table symbols;
    struct table hash;
    struct table versions; ///< one per symbol; the object may have none
    struct table definitions;
    size_t definition_count;
    struct table dynamic;
    const char *soname;
};

/// Item number `index` of a table of items of `size` bytes, or null.
static const void *item(struct table table, size_t index, size_t size) {
    return table.start && index < table.size / size ? table.start + index * size : NULL;
}
#define ITEM(type, table, index) ((const type *)item(table, index, sizeof(type)))

/// The `type` at a byte offset, or null. Aligned, or a hostile offset would be undefined.
#define AT(type, table, offset) \
    ((table).start && (offset) % sizeof(ElfW(Word)) == 0 && (offset) < (table).size && (table).size - (offset) >= sizeof(type) \
         ? (const type *)((table).start + (offset))                                                                            \
         : NULL)

/// Without `info`, of an object that ld.so has just started with, its tables are taken for whole.
static struct table table_at(const struct dl_phdr_info *info, uintptr_t address, size_t alignment) {
    if (!info) return (struct table){(const char *)address, address ? SIZE_MAX - address : 0};
    for (int i = 0; i < info->dlpi_phnum && address % alignment == 0; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t offset = address - info->dlpi_addr - header->p_vaddr;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_R) && offset < header->p_memsz)
            return (struct table){(const char *)address, header->p_memsz - offset};
    }
    return (struct table){NULL, 0};
}

/// glibc relocates most of these pointers in place, and DT_VERNEED and DT_VERDEF not; read-only dynamic sections not at all.
static struct table pointer(const struct object *object, ElfW(Addr) value, size_t alignment) {
    return table_at(object->info, value < object->base ? value + object->base : value, alignment);
}

/// A string that ends within the table, or null.
static const char *string(const struct object *object, size_t offset) {
    const struct table *strings = &object->strings;
    size_t most = offset < strings->size ? strings->size - offset : 0;
    return most && strnlen(strings->start + offset, most) < most ? strings->start + offset : NULL;
}

static bool is_string(const struct object *object, size_t offset, const char *text) {
    size_t size = strlen(text) + 1;
    const struct table *strings = &object->strings;
    return offset < strings->size && size <= strings->size - offset && memcmp(strings->start + offset, text, size) == 0;
}

static bool read_dynamic(uintptr_t base, const struct dl_phdr_info *info, const ElfW(Dyn) *dynamic, struct object *object) {
    memset(object, 0, sizeof *object);
    object->base = base;
    object->info = info;
    if (!dynamic) return false;
    object->dynamic = table_at(info, (uintptr_t)dynamic, sizeof(ElfW(Addr)));
    ElfW(Addr) soname = 0, strings = 0;
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++) switch (entry->d_tag) {
        case DT_STRTAB: object->strings = pointer(object, entry->d_un.d_ptr, 1); break;
        case DT_STRSZ: strings = entry->d_un.d_val; break;
        case DT_SYMTAB: object->symbols = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_GNU_HASH: object->hash = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_VERSYM: object->versions = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Half))); break;
        case DT_VERDEF: object->definitions = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Word))); break;
        case DT_VERDEFNUM: object->definition_count = entry->d_un.d_val; break;
        case DT_SONAME: soname = entry->d_un.d_val; break;
        }
    if (strings && strings < object->strings.size) object->strings.size = strings;
    if (!object->strings.start || !object->symbols.start || !object->hash.start) return false;
    if (soname) object->soname = string(object, soname);
    return true;
}

/// The one segment of that type, in an object loaded at `base`, or null.
static const void *segment(const ElfW(Phdr) *headers, size_t count, uint32_t type, uintptr_t base) {
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == type) return (const void *)(base + headers[i].p_vaddr);
    return NULL;
}

static bool read_object(const struct dl_phdr_info *info, struct object *object) {
    return read_dynamic(info->dlpi_addr, info, segment(info->dlpi_phdr, info->dlpi_phnum, PT_DYNAMIC, info->dlpi_addr), object);
}

/// Whether definition number `index` is called `version`.
static bool is_version(const struct object *object, unsigned index, const char *version) {
    size_t at = 0;
    for (size_t i = 0; i < object->definition_count; i++) {
        const ElfW(Verdef) *definition = AT(ElfW(Verdef), object->definitions, at);
        if (!definition) return false;
        if ((definition->vd_ndx & 0x7fff) == index) {
            const ElfW(Verdaux) *name = AT(ElfW(Verdaux), object->definitions, at + definition->vd_aux);
            return name && is_string(object, name->vda_name, version);
        }
        if (definition->vd_next == 0) return false;
        at += definition->vd_next;
    }
    return false;
}

/// As ld.so has it: a definition without a version satisfies references to any.
static bool has_version(const struct object *object, uint32_t symbol, const char *version) {
    const ElfW(Half) *number = ITEM(ElfW(Half), object->versions, symbol);
    unsigned index = number ? *number : VER_NDX_GLOBAL;
    if (index == VER_NDX_GLOBAL) return true;
    if (!version) return (index & 0x8000) == 0 && index != VER_NDX_LOCAL;
    return is_version(object, index & 0x7fff, version);
}

/// Looks `name` up in the object's DT_GNU_HASH table.
static void *lookup(const struct object *object, const char *name, const char *version) {
    uint32_t hash = 5381;
    for (const char *c = name; *c; c++) hash = hash * 33 + (unsigned char)*c;
    const uint32_t *head = item(object->hash, 0, 4 * sizeof(uint32_t));
    if (!head || head[0] == 0) return NULL;
    uint32_t buckets = head[0], offset = head[1];
    size_t first = 4 + head[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t)), chain = first + buckets;
    const uint32_t *bucket = ITEM(uint32_t, object->hash, first + hash % buckets);
    if (!bucket || *bucket < offset) return NULL;
    for (size_t symbol = *bucket;; symbol++) {
        const uint32_t *found = ITEM(uint32_t, object->hash, chain + symbol - offset);
        const ElfW(Sym) *entry = ITEM(ElfW(Sym), object->symbols, symbol);
        if (!found || !entry) return NULL;
        if ((*found | 1) == (hash | 1) && entry->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(entry->st_info) == STT_FUNC &&
            is_string(object, entry->st_name, name) && has_version(object, symbol, version))
            return (void *)(object->base + entry->st_value);
        if (*found & 1) return NULL;
    }
}
