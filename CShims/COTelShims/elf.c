#define _GNU_SOURCE
#include "include/otel_elf.h"
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

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

typedef int (*visitor)(struct dl_phdr_info *info, size_t size, void *data);
static int (*real_iterate)(visitor visit, void *data);

/// libc's own dl_iterate_phdr. The one that our references are bound to may be another preload's, which takes its own locks, keeps a list
/// of its own, or asks dlsym for the next one: that is us. So it is found in ld.so's list for debuggers (DT_DEBUG, <link.h>). That list
/// has no lock; the first look is made before main, by the constructor or an earlier one.
static __attribute__((noinline)) int (*libc_iterate(void))(visitor, void *) {
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t count = headers ? getauxval(AT_PHNUM) : 0;
    uintptr_t in_file = (uintptr_t)segment(headers, count, PT_PHDR, 0), base = in_file ? (uintptr_t)headers - in_file : 0;
    const struct r_debug *debug = NULL;
    for (const ElfW(Dyn) *entry = segment(headers, count, PT_DYNAMIC, base); entry && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_DEBUG) debug = (const struct r_debug *)entry->d_un.d_ptr;
    struct object object;
    for (const struct link_map *map = debug ? debug->r_map : NULL; map; map = map->l_next)
        if (read_dynamic(map->l_addr, NULL, map->l_ld, &object) && object.soname && strcmp(object.soname, "libc.so.6") == 0)
            return (int (*)(visitor, void *))lookup(&object, "dl_iterate_phdr", NULL);
    return NULL;
}

static int iterate(visitor visit, void *data) {
    int (*real)(visitor, void *) = __atomic_load_n(&real_iterate, __ATOMIC_RELAXED);
    if (!real) {
        real = libc_iterate();
        if (!real) real = dl_iterate_phdr; // an executable of an odd linker, without DT_DEBUG
        __atomic_store_n(&real_iterate, real, __ATOMIC_RELAXED);
    }
    return real(visit, data);
}

static int visit_first(struct dl_phdr_info *info, size_t size, void *data) {
    // Every change of the list raises the one or lowers the other; 2^40 objects are not loaded between two looks.
    *(uint64_t *)data = (uint64_t)info->dlpi_adds << 24 ^ (info->dlpi_adds - info->dlpi_subs);
    return 1;
}

uint64_t otel_elf_generation(void) {
    uint64_t generation = 0;
    iterate(visit_first, &generation);
    return generation;
}

struct search {
    const char *name, *version;
    struct otel_definer *definers;
    struct otel_wanted *wanted;
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
    iterate(visit_next, &search);
    return search.address;
}

static int visit_next_all(struct dl_phdr_info *info, size_t size, void *data) {
    struct search *search = data;
    struct object object;
    if (is_own(info)) {
        search->seen_us = true;
        return 0;
    }
    if (!search->seen_us || !read_object(info, &object) || is_agent(&object)) return 0;
    for (int i = 0; i < search->capacity; i++)
        if (!search->wanted[i].address) search->wanted[i].address = lookup(&object, search->wanted[i].name, NULL);
    return 0;
}

void otel_elf_next_all(struct otel_wanted *wanted, int count) {
    struct search search = {.wanted = wanted, .capacity = count};
    dl_iterate_phdr(visit_next_all, &search);
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
    iterate(visit_definer, &search);
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
    iterate(visit_around, &search);
    return search.address != NULL;
}

static int visit_agent(struct dl_phdr_info *info, size_t size, void *data) {
    struct object object;
    if (is_own(info)) return 1;
    return read_object(info, &object) && is_agent(&object) ? 2 : 0;
}

bool otel_elf_is_first_agent(void) { return iterate(visit_agent, NULL) != 2; }

struct selection {
    uintptr_t base;
    const char *names, *version;
    void **addresses;
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *data) {
    struct selection *selection = data;
    struct object object;
    if (info->dlpi_addr != selection->base || is_own(info) || !read_object(info, &object)) return 0;
    void **address = selection->addresses;
    for (const char *name = selection->names; *name; name += strlen(name) + 1) *address++ = lookup(&object, name, selection->version);
    return 1;
}

void otel_elf_in_object(uintptr_t base, const char *names, const char *version, void **addresses) {
    struct selection selection = {base, names, version, addresses};
    iterate(visit_object, &selection);
}

struct need {
    const char *soname;
    int depth;
    bool seen_us, is_at_start;
};

static bool names(const struct object *object, const char *soname) {
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++)
        if (entry->d_tag == DT_NEEDED && is_string(object, entry->d_un.d_val, soname)) return true;
    return false;
}

/// The program and the preload libraries before us are first in the list. What they need, or what that needs, was loaded with them.
static int visit_needing(struct dl_phdr_info *info, size_t size, void *data) {
    struct need *need = data;
    struct object object;
    if (is_own(info)) need->seen_us = true;
    if (!read_object(info, &object) || !names(&object, need->soname)) return 0;
    need->is_at_start = !need->seen_us || (need->depth > 0 && object.soname && otel_elf_is_needed_at_start(object.soname, need->depth - 1));
    return need->is_at_start;
}

bool otel_elf_is_needed_at_start(const char *soname, int depth) {
    struct need need = {.soname = soname, .depth = depth};
    iterate(visit_needing, &need);
    return need.is_at_start;
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
static int bound_to(const struct caller *caller, const struct object *object) {
    struct table relocations[2] = {{NULL, 0}, {NULL, 0}};
    size_t sizes[2] = {0, 0};
    const ElfW(Dyn) *entry;
    for (size_t i = 0; (entry = ITEM(ElfW(Dyn), object->dynamic, i)) && entry->d_tag != DT_NULL; i++) switch (entry->d_tag) {
        case DT_JMPREL: relocations[0] = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_PLTRELSZ: sizes[0] = entry->d_un.d_val; break;
        case DT_RELA: relocations[1] = pointer(object, entry->d_un.d_ptr, sizeof(ElfW(Addr))); break;
        case DT_RELASZ: sizes[1] = entry->d_un.d_val; break;
        }
    const ElfW(Rela) *relocation;
    for (int table = 0; table < 2; table++)
        for (size_t i = 0; i < sizes[table] / sizeof(ElfW(Rela)) && (relocation = ITEM(ElfW(Rela), relocations[table], i)); i++) {
            const ElfW(Sym) *symbol = ITEM(ElfW(Sym), object->symbols, ELF64_R_SYM(relocation->r_info));
            const char *name = symbol && symbol->st_shndx == SHN_UNDEF ? string(object, symbol->st_name) : NULL;
            if (!name || strncmp(name, caller->prefix, strlen(caller->prefix)) != 0) continue;
            struct table place = table_at(object->info, object->base + relocation->r_offset, sizeof(uintptr_t));
            int found = place.size >= sizeof(uintptr_t) ? definer_around(caller, *(const uintptr_t *)place.start) : -1;
            if (found >= 0) return found;
        }
    return -1;
}

static int named_by(const struct caller *caller, const struct object *object) {
    for (int i = 0; i < caller->count; i++)
        if (caller->definers[i].soname && names(object, caller->definers[i].soname)) return i;
    return -1;
}

static int visit_caller(struct dl_phdr_info *info, size_t size, void *data) {
    struct caller *caller = data;
    struct object object;
    if (!contains(info, caller->address)) return 0;
    caller->path = info->dlpi_name;
    if (caller->count == 0 || !read_object(info, &object)) return 1;
    caller->found = caller->prefix ? bound_to(caller, &object) : named_by(caller, &object);
    return 1;
}

int otel_elf_needed_by(const void *address, const struct otel_definer *definers, int count) {
    struct caller caller = {.address = (uintptr_t)address, .definers = definers, .count = count, .found = -1};
    iterate(visit_caller, &caller);
    return caller.found;
}

int otel_elf_bound_by(const void *address, const char *prefix, const struct otel_definer *definers, int count) {
    struct caller caller = {.address = (uintptr_t)address, .prefix = prefix, .definers = definers, .count = count};
    caller.found = definer_around(&caller, caller.address);
    if (caller.found < 0) iterate(visit_caller, &caller);
    return caller.found;
}

const char *otel_elf_own_path(void) {
    struct caller caller = {.address = (uintptr_t)&own_object, .found = -1};
    iterate(visit_caller, &caller);
    return caller.path;
}
