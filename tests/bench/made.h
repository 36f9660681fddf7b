/* made: the words and mailboxes of made-up mail: what the index of a benchmark is filled with, and asked for.
 *
 * Words are numbered by how common they are, by Zipf's law: the first is in nearly every message. A program that includes it
 * is one file. */
#ifndef BENCH_MADE_H
#define BENCH_MADE_H

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 60000
#define MAILBOXES 2000

static _Thread_local uint64_t seed = 88172645463325252u;
static double zipf[WORDS];
static char words[WORDS][24];

static inline uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static inline double random_unit(void)
{
	return (double)(random_u64() >> 11) / 9007199254740992.0;
}

static inline unsigned random_below(unsigned n)
{
	return (unsigned)(random_u64() % n);
}

static inline void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static inline void make_words(void)
{
	static const char *const syllables[] = { "ra", "ten", "ko", "mi", "sur", "le", "van", "do", "pri", "est", "an", "or",
		"be", "qui", "sto", "fa" };
	double sum = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		/* two syllables for the commonest, four for the rest; the odd factors scatter neighbours */
		unsigned n = i < 256 ? i * 157 % 256 : i * 40503 % 65536;
		int len = 0;

		for (int k = i < 256 ? 2 : 4; k > 0; k--, n /= 16)
			len += snprintf(words[i] + len, sizeof(words[i]) - (size_t)len, "%s", syllables[n % 16]);
		sum += 1.0 / (i + 2.7);
		zipf[i] = sum;
	}
	for (unsigned i = 0; i < WORDS; i++)
		zipf[i] /= sum;
}

static inline char *mailbox(unsigned n)
{
	return mem_printf("%s.%u@dept%u.example.org", words[200 + n % 997], n, n % 40);
}

/* Few people write much, many little. */
static inline unsigned random_mailbox(void)
{
	double x = random_unit();

	return (unsigned)(x * x * (MAILBOXES - 1));
}

/* Of the hundred that nearly every message has. */
static inline const char *common_word(void)
{
	return words[random_below(100)];
}

static inline const char *usual_word(void)
{
	return words[100 + random_below(5000)];
}

#endif
