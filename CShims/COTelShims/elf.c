#define _GNU_SOURCE
#include "include/otel_elf.h"
#include "elf_early.h"
#include "elf_object.h"
#include "include/otel_syscall.h"
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

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
    struct object object;
    for (const struct link_map *map = otel_elf_first_object(); map; map = map->l_next)
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
    for (int i = 0; i < search->capacity; i++)
        if (!search->wanted[i].address) search->wanted[i].address = lookup(&object, search->wanted[i].name, NULL);
    return 0;
}

void otel_elf_next_all(struct otel_wanted *wanted, int count) {
    struct search search = {.wanted = wanted, .capacity = count};
    iterate(visit_next, &search);
}

void *otel_elf_next(const char *name) {
    struct otel_wanted wanted = {name, NULL};
    otel_elf_next_all(&wanted, 1);
    return wanted.address;
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

// MARK: Withdrawal

/// The read-only segment that holds `table`, in whole pages: mprotect(2) takes no others. False: it is of another kind.
static bool pages_of(const struct object *object, struct table table, uintptr_t *start, size_t *size) {
    for (int i = 0; i < object->info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->info->dlpi_phdr[i];
        uintptr_t first = object->base + header->p_vaddr;
        if (header->p_type != PT_LOAD || (uintptr_t)table.start - first >= header->p_memsz) continue;
        *start = first & ~(getauxval(AT_PAGESZ) - 1);
        *size = first + header->p_memsz - *start;
        return header->p_flags == PF_R;
    }
    return false;
}

static int visit_own(struct dl_phdr_info *info, size_t size, void *data) {
    struct object object;
    uintptr_t pages;
    size_t length;
    if (!is_own(info)) return 0;
    if (!read_object(info, &object) || !pages_of(&object, object.symbols, &pages, &length)) return 1;
    if (otel_syscall3(SYS_mprotect, pages, length, PROT_READ | PROT_WRITE) < 0) return 1;
    const char *prefix = data;
    const uint32_t *head = (const uint32_t *)object.hash.start, *bucket = head + 4 + head[2] * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = bucket + head[0];
    for (uint32_t i = 0; i < head[0]; i++)
        for (uint32_t symbol = bucket[i]; symbol >= head[1]; symbol++) {
            ElfW(Sym) *entry = (ElfW(Sym) *)object.symbols.start + symbol;
            // What ld.so passes over (do_lookup_x): a symbol without a value that is not absolute. In this order, should another thread look.
            if (strncmp(object.strings.start + entry->st_name, prefix, strlen(prefix)) == 0) {
                __atomic_store_n(&entry->st_value, 0, __ATOMIC_RELEASE);
                __atomic_store_n(&entry->st_shndx, SHN_UNDEF, __ATOMIC_RELEASE);
            }
            if (chain[symbol - head[1]] & 1) break;
        }
    // Where that is refused they stay writable, and nobody writes.
    otel_syscall3(SYS_mprotect, pages, length, PROT_READ);
    return 1;
}

void otel_elf_withdraw(const char *prefix) { iterate(visit_own, (void *)prefix); }
