#define _GNU_SOURCE
#include "include/otel_elf.h"
#include <elf.h>
#include <link.h>
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

static struct table table_at(const struct dl_phdr_info *info, uintptr_t address, size_t alignment) {
    for (int i = 0; i < info->dlpi_phnum && address % alignment == 0; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t offset = address - info->dlpi_addr - header->p_vaddr;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_R) && offset < header->p_memsz)
            return (struct table){(const char *)address, header->p_memsz - offset};
    }
    return (struct table){NULL, 0};
}

/// glibc relocates most of these pointers in place, and DT_VERNEED and DT_VERDEF not; read-only dynamic sections not at all.
static struct table pointer(const struct dl_phdr_info *info, ElfW(Addr) value, size_t alignment) {
    return table_at(info, value < info->dlpi_addr ? value + info->dlpi_addr : value, alignment);
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

static bool read_object(const struct dl_phdr_info *info, struct object *object) {
    memset(object, 0, sizeof *object);
    object->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            object->dynamic = table_at(info, info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, sizeof(ElfW(Addr)));
    ElfW(Addr) soname = 0, strings = 0;
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++) switch (entry->d_tag) {
        case DT_STRTAB: object->strings = pointer(info, entry->d_un.d_ptr, 1); break;
        case DT_STRSZ: strings = entry->d_un.d_val; break;
        case DT_SYMTAB: object->symbols = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_GNU_HASH: object->hash = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_VERSYM: object->versions = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Half))); break;
        case DT_VERDEF: object->definitions = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Word))); break;
        case DT_VERDEFNUM: object->definition_count = entry->d_un.d_val; break;
        case DT_SONAME: soname = entry->d_un.d_val; break;
        }
    if (strings && strings < object->strings.size) object->strings.size = strings;
    if (!object->strings.start || !object->symbols.start || !object->hash.start) return false;
    if (soname) object->soname = string(object, soname);
    return true;
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

static bool contains(const struct dl_phdr_info *info, uintptr_t address) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && address >= start && address - start < header->p_memsz) return true;
    }
    return false;
}

/// Behind the object's last byte.
static uintptr_t end_of(const struct dl_phdr_info *info) {
    uintptr_t end = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t segment = info->dlpi_addr + header->p_vaddr + header->p_memsz;
        if (header->p_type == PT_LOAD && segment > end) end = segment;
    }
    return end;
}

static const char own_object;
static bool is_own(const struct dl_phdr_info *info) { return contains(info, (uintptr_t)&own_object); }

/// Whether the object is a copy of the agent, of whatever build: its first version node is nobody else's.
static bool is_agent(const struct object *object) { return is_version(object, 2, "OTELAGENT_ANY"); }

// MARK: Walks over all objects

struct search {
    const char *name, *version;
    struct otel_definer *definers;
    int capacity, count;
    bool only_behind_us, seen_us;
    uintptr_t base;
    void *address;
};

static int visit_next(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct object object;
    if (is_own(info)) {
        search->seen_us = true;
        return 0;
    }
    if (!search->seen_us || !read_object(info, &object) || is_agent(&object)) return 0;
    search->address = lookup(&object, search->name, NULL);
    return search->address != NULL;
}

void *otel_elf_next(const char *name) {
    struct search search = {.name = name};
    dl_iterate_phdr(visit_next, &search);
    return search.address;
}

static int visit_definer(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct object object;
    if (is_own(info) || !read_object(info, &object)) return 0;
    void *address = lookup(&object, search->name, search->version);
    if (!address || is_agent(&object)) return 0;
    if (search->count < search->capacity) search->definers[search->count] = (struct otel_definer){object.base, end_of(info), object.soname, address};
    search->count++;
    return 0;
}

int otel_elf_definers(const char *name, const char *version, struct otel_definer *definers, int capacity) {
    struct search search = {.name = name, .version = version, .definers = definers, .capacity = capacity};
    dl_iterate_phdr(visit_definer, &search);
    return search.count;
}

static int visit_around(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct object object;
    if (!contains(info, search->base)) return 0;
    if (!read_object(info, &object) || is_agent(&object)) return 1;
    search->address = lookup(&object, search->name, NULL);
    if (search->address) *search->definers = (struct otel_definer){object.base, end_of(info), object.soname, search->address};
    return 1;
}

bool otel_elf_definer_around(const void *address, const char *name, struct otel_definer *definer) {
    struct search search = {.name = name, .definers = definer, .base = (uintptr_t)address};
    dl_iterate_phdr(visit_around, &search);
    return search.address != NULL;
}

static int visit_agent(struct dl_phdr_info *info, size_t size, void *data) {
    struct object object;
    if (is_own(info)) return 1;
    return read_object(info, &object) && is_agent(&object) ? 2 : 0;
}

bool otel_elf_is_first_agent(void) { return dl_iterate_phdr(visit_agent, NULL) != 2; }

static int visit_object(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct object object;
    if (info->dlpi_addr != search->base || is_own(info) || !read_object(info, &object)) return 0;
    search->address = lookup(&object, search->name, search->version);
    return 1;
}

void *otel_elf_in_object(uintptr_t base, const char *name, const char *version) {
    struct search search = {.name = name, .version = version, .base = base};
    dl_iterate_phdr(visit_object, &search);
    return search.address;
}

struct caller {
    uintptr_t address;
    const char *prefix; ///< null: the object's DT_NEEDED is asked
    const struct otel_definer *definers;
    int count, found;
    const char *path;
};

static int definer_around(const struct caller *caller, uintptr_t address) {
    for (int i = 0; i < caller->count; i++)
        if (address >= caller->definers[i].base && address < caller->definers[i].end) return i;
    return -1;
}

/// Where ld.so has bound references of the prefix to, as the object's relocations show. A reference that is bound lazily, and was not
/// used yet, leads into the object itself, and one that we or other preloads define leads to none of the definers.
static int bound_to(const struct caller *caller, const struct dl_phdr_info *info, const struct object *object) {
    struct table relocations[2] = {{NULL, 0}, {NULL, 0}};
    size_t sizes[2] = {0, 0};
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++) switch (entry->d_tag) {
        case DT_JMPREL: relocations[0] = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_PLTRELSZ: sizes[0] = entry->d_un.d_val; break;
        case DT_RELA: relocations[1] = pointer(info, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_RELASZ: sizes[1] = entry->d_un.d_val; break;
        }
    const ElfW(Rela) *relocation;
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; i < sizes[table] / sizeof(ElfW(Rela)) && (relocation = ITEM(ElfW(Rela), relocations[table], i)); i++) {
            const ElfW(Sym) *symbol = ITEM(ElfW(Sym), object->symbols, ELF64_R_SYM(relocation->r_info));
            const char *name = symbol && symbol->st_shndx == SHN_UNDEF ? string(object, symbol->st_name) : NULL;
            if (!name || strncmp(name, caller->prefix, strlen(caller->prefix)) != 0) continue;
            struct table place = table_at(info, object->base + relocation->r_offset, sizeof(uintptr_t));
            int found = place.size >= sizeof(uintptr_t) ? definer_around(caller, *(const uintptr_t *)place.start) : -1;
            if (found >= 0) return found;
        }
    return -1;
}

static int named_by(const struct caller *caller, const struct object *object) {
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++) {
        if (entry->d_tag != DT_NEEDED) continue;
        for (int i = 0; i < caller->count; i++)
            if (caller->definers[i].soname && is_string(object, entry->d_un.d_val, caller->definers[i].soname)) return i;
    }
    return -1;
}

static int visit_caller(struct dl_phdr_info *info, size_t size, void *data) {
    struct caller *caller = data;
    struct object object;
    if (!contains(info, caller->address)) return 0;
    caller->path = info->dlpi_name;
    if (caller->count == 0 || !read_object(info, &object)) return 1;
    caller->found = caller->prefix ? bound_to(caller, info, &object) : named_by(caller, &object);
    return 1;
}

int otel_elf_needed_by(const void *address, const struct otel_definer *definers, int count) {
    struct caller caller = {.address = (uintptr_t)address, .definers = definers, .count = count, .found = -1};
    dl_iterate_phdr(visit_caller, &caller);
    return caller.found;
}

int otel_elf_bound_by(const void *address, const char *prefix, const struct otel_definer *definers, int count) {
    struct caller caller = {.address = (uintptr_t)address, .prefix = prefix, .definers = definers, .count = count};
    caller.found = definer_around(&caller, caller.address);
    if (caller.found < 0) dl_iterate_phdr(visit_caller, &caller);
    return caller.found;
}

const char *otel_elf_own_path(void) {
    struct caller caller = {.address = (uintptr_t)&own_object, .found = -1};
    dl_iterate_phdr(visit_caller, &caller);
    return caller.path;
}
