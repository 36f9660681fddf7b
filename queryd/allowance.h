/* allowance: what of a shared count this process has taken in advance, so that not every request has to ask the cache or the
 * database: it takes a part of what a window allows at a time, and uses it up by itself. All processes together never use
 * more than the window allows; one that takes a part and does not use it leaves that much less to the others. That nothing
 * is left in a window is remembered too: who goes on asking costs nobody anything. Any thread. */
#ifndef QUERYD_ALLOWANCE_H
#define QUERYD_ALLOWANCE_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_NAME_SIZE 80
#define ALLOWANCES_MAX 4096 /* names that are remembered; others are asked about each time */
#define ALLOWANCE_PARTS 64  /* of a window's maximum: so much is taken at a time */

struct allowances;

struct allowances *allowances_new(void) __attribute__((returns_nonnull));
void allowances_freep(struct allowances **a);

enum allowance { ALLOWANCE_SPENT, ALLOWANCE_TAKEN, ALLOWANCE_ASK };

/* Uses one of what is left under a name in the window that began then. ALLOWANCE_ASK: nothing is known: take
 * allowance_part() of the shared count, and say with allowance_add() how much of it was granted. */
enum allowance allowance_use(struct allowances *a, const char *name, int64_t window_us);

uint64_t allowance_part(uint64_t max);

/* So many more may be used in this window, beyond the one for which it was asked. spent: there will be no more. */
void allowance_add(struct allowances *a, const char *name, int64_t window_us, uint64_t n, bool spent);

#endif
