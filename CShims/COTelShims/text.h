// Text in a buffer of fixed size, for the helper: no stdio, no locale. What does not fit is left out.
#pragma once
#include <stddef.h>

struct text {
    char *at, *end; // `end` is the last byte, kept for the NUL
};

static inline void text_put_bytes(struct text *text, const char *bytes, size_t count) {
    for (size_t i = 0; i < count && text->at < text->end; i++) *text->at++ = bytes[i];
    *text->at = 0;
}

static inline void text_put(struct text *text, const char *string) {
    while (*string && text->at < text->end) *text->at++ = *string++;
    *text->at = 0;
}

static inline void text_put_number(struct text *text, unsigned long number) {
    char digits[24], *first = digits + sizeof digits - 1;
    *first = 0;
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    text_put(text, first);
}
