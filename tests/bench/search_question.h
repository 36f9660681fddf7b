/* search_question: who searches in a measurement, what is asked, and what of an answer counts. */
#ifndef BENCH_SEARCH_QUESTION_H
#define BENCH_SEARCH_QUESTION_H

#include "made.h"
#include "wire.h"

#include "base/strv.h"
#include "index/index.h"
#include "index/index_fts_db.h"

#include <pthread.h>

#define PAGE 50

enum side { BARE, QUERYD, SIDES };

struct times {
	int64_t *us;
	size_t n, room;
};

struct investigator {
	pthread_t thread;
	uint64_t number;
	char *token;
	struct strv mailboxes;
	struct scope *scope;
	enum side side;
	unsigned round;
	struct times times[SIDES];
	uint64_t hits[SIDES], counted[SIDES];
	struct wire queryd;
	struct fts_db *db; /* the bare engine: the index's file, or a connection to the server */
	sqlite3_stmt *facets;
	struct wire engine;
	struct tokenizer *tokenizer;
};

/* What came of a question. The next page is asked for by the cursor, by the row, or by what the server sorts by. */
struct outcome {
	uint64_t hits, counted;
	bool more;
	char *cursor;
	int64_t before;
};

static inline char *rare_word(void)
{
	return words[10000 + random_below(WORDS - 10000)];
}

static inline char *any_mailbox(const struct investigator *v)
{
	return v->mailboxes.items[random_below((unsigned)v->mailboxes.n)];
}

/* What an investigator asks within a scope: mostly words, some of them common; caller frees. */
static inline char *make_question(const struct investigator *v)
{
	unsigned kind = random_below(100);

	if (kind < 25)
		return mem_strdup(usual_word());
	if (kind < 40)
		return mem_strdup(rare_word());
	if (kind < 55)
		return mem_printf("%s %s", usual_word(), usual_word());
	if (kind < 65)
		return mem_strdup(common_word());
	if (kind < 75)
		return mem_printf("\"%s %s\"", common_word(), usual_word());
	if (kind < 80)
		return mem_printf("from:%s", any_mailbox(v));
	if (kind < 85)
		return mem_printf("from:%s %s", any_mailbox(v), common_word());
	if (kind < 90)
		return mem_printf("subject:%s", usual_word());
	if (kind < 95)
		return mem_printf("%s date:201%u-0%u", usual_word(), 1 + random_below(6), 1 + random_below(9));
	return mem_printf("%s has:attachment", usual_word());
}

#endif
