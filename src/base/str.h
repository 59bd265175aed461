/* str.h - strings: a growable buffer with a sticky error, and small helpers. */
#ifndef IOCAGE_BASE_STR_H
#define IOCAGE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Append freely, look at `failed` once at the end. Zero-initialised is empty. p is NUL-terminated once non-NULL. */
struct sbuf {
	char *p;
	size_t len, cap;
	bool failed; /* out of memory: later appends do nothing */
};

void sbuf_add(struct sbuf *b, const char *s);
void sbuf_addn(struct sbuf *b, const char *s, size_t n);
void sbuf_addc(struct sbuf *b, char c);
void sbuf_addf(struct sbuf *b, const char *fmt, ...) printf_like(2, 3);
void sbuf_clear(struct sbuf *b); /* empties, keeps the memory */
void sbuf_done(struct sbuf *b); /* frees the contents; also for _cleanup_(sbuf_done) */
/* The text, owned by the caller ("" when nothing was added); NULL when out of memory. The buffer is empty afterwards. */
char *sbuf_take(struct sbuf *b);

/* printf into fresh memory; NULL when out of memory. */
char *strf(const char *fmt, ...) printf_like(1, 2);

static inline bool streq(const char *a, const char *b)
{
	return __builtin_strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Copy with a guarantee: -ENAMETOOLONG and nothing copied when it does not fit. cap counts the NUL. */
must_check int str_copy(char *dst, size_t cap, const char *src);

/* Whole-string unsigned decimal in [min, max]; false for anything else (sign, blank, overflow, trailing text). */
bool str_to_uint(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* A list of strings, NULL-terminated in v for execve(2). Owns its strings. Zero-initialised is empty. */
struct strv {
	char **v;
	size_t n, cap;
};

must_check int strv_add(struct strv *l, const char *s); /* copies; 0 or -ENOMEM */
must_check int strv_adopt(struct strv *l, char *s); /* takes s (frees it on failure); 0 or -ENOMEM */
bool strv_has(const struct strv *l, const char *s);
void strv_done(struct strv *l);
/* Split s at any character of seps, dropping empty parts and surrounding blanks. 0 or -ENOMEM. */
must_check int strv_split(struct strv *l, const char *s, const char *seps);

/*
 * Split a command line into words: blanks separate; single and double quotes and backslash as in sh, nothing else of
 * sh. 0, -ENOMEM, or -EINVAL for a quote that is not closed.
 */
must_check int strv_words(struct strv *l, const char *line);

/* strverscmp-like natural order: "x_2" before "x_10". For sorting names in lists. */
int str_natcmp(const char *a, const char *b);

#endif
