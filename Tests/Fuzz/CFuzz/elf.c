// elf.c as it ships, but the objects that the process has loaded are those of a test.
#define dl_iterate_phdr fuzz_iterate_phdr
#define otel_elf_next fuzz_elf_next
#define otel_elf_definers fuzz_elf_definers
#define otel_elf_definer_around fuzz_elf_definer_around
#define otel_elf_is_first_agent fuzz_elf_is_first_agent
#define otel_elf_in_object fuzz_elf_in_object
#define otel_elf_needed_by fuzz_elf_needed_by
#define otel_elf_bound_by fuzz_elf_bound_by
#define otel_elf_next_all fuzz_elf_next_all
#define otel_elf_is_needed_at_start fuzz_elf_is_needed_at_start
#define otel_elf_generation fuzz_elf_generation
#define otel_elf_withdraw fuzz_elf_withdraw
#define otel_elf_own_path fuzz_elf_own_path
// Not "elf.c", which would be this file.
#include "../../../CShims/COTelShims/elf.c"

#include "CFuzz.h"
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/mman.h>

static struct dl_phdr_info loaded;

int fuzz_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t size, void *data), void *data) {
    return callback(&loaded, sizeof loaded, data);
}

enum { PAGE = 4096, LONGEST = 4 << 20, MOST_HEADERS = 16 };

/// The image at the same address each time, with a page in front and behind that nobody may touch.
static uint8_t *load(const uint8_t *image, size_t size) {
    static uint8_t *memory;
    if (!memory) {
        uint8_t *mapping = mmap(NULL, LONGEST + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapping == MAP_FAILED || mprotect(mapping + PAGE, LONGEST, PROT_READ | PROT_WRITE) != 0) abort();
        memory = mapping + PAGE;
    }
    ASAN_UNPOISON_MEMORY_REGION(memory, LONGEST);
    memcpy(memory, image, size);
    ASAN_POISON_MEMORY_REGION(memory + size, LONGEST - size);
    return memory;
}

struct fuzz_answer fuzz_look_up(const uint8_t *image, size_t size, struct fuzz_lookup lookup) {
    struct fuzz_answer answer = {.bound = -1, .needed = -1};
    ElfW(Ehdr) header;
    if (size < sizeof header || size > LONGEST) return answer;
    memcpy(&header, image, sizeof header);
    uint8_t *base = load(image, size);
    // The kernel and ld.so have made sure of these: program headers of the right size, and segments inside of what was mapped.
    static ElfW(Phdr) headers[MOST_HEADERS];
    int count = 0;
    while (count < header.e_phnum && count < MOST_HEADERS && header.e_phoff < size && size - header.e_phoff >= (count + 1) * sizeof *headers) {
        memcpy(&headers[count], image + header.e_phoff + count * sizeof *headers, sizeof *headers);
        ElfW(Phdr) *segment = &headers[count];
        if (segment->p_vaddr > size) segment->p_vaddr = size;
        if (segment->p_memsz > size - segment->p_vaddr) segment->p_memsz = size - segment->p_vaddr;
        count++;
    }
    loaded = (struct dl_phdr_info){.dlpi_addr = (uintptr_t)base, .dlpi_name = "fuzzed", .dlpi_phdr = headers, .dlpi_phnum = count};
    struct otel_definer definer;
    // Not the list that ld.so has.
    real_iterate = fuzz_iterate_phdr;
    // The name, and the end of a list of names.
    char names[256] = {0};
    if (strlen(lookup.name) > sizeof names - 2) return answer;
    strcpy(names, lookup.name);
    void *address = NULL;
    fuzz_elf_in_object((uintptr_t)base, names, NULL, &address);
    answer.is_default = address != NULL;
    answer.default_value = (uintptr_t)address - (uintptr_t)base;
    address = NULL;
    fuzz_elf_in_object((uintptr_t)base, names, lookup.version, &address);
    answer.is_versioned = address != NULL;
    answer.versioned_value = (uintptr_t)address - (uintptr_t)base;
    answer.definers = fuzz_elf_definers(lookup.name, lookup.version, &definer, 1);
    if (answer.definers == 1) answer.soname = definer.soname;
    (void)fuzz_elf_is_first_agent();
    (void)fuzz_elf_next(lookup.name);
    (void)fuzz_elf_is_needed_at_start("libcurl.so.4", 2);
    (void)fuzz_elf_definer_around(base, lookup.name, &definer);
    // Of a definer somewhere else, as libcurl is for a program that is linked with it.
    struct otel_definer other = {.base = 0x1000, .end = 0x2000, .soname = "libcurl.so.4", .address = (void *)0x1800};
    answer.bound = fuzz_elf_bound_by(base, "curl_", &other, 1);
    answer.needed = fuzz_elf_needed_by(base, &other, 1);
    return answer;
}
