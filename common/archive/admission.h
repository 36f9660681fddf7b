/* admission: how many bytes of messages may be under way in this process at a time. Any thread, no lock. */
#ifndef ARCHIVE_ADMISSION_H
#define ARCHIVE_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct admission {
	uint64_t max;
	_Atomic uint64_t taken;
};

void admission_init(struct admission *a, uint64_t max);

/* false: it would pass the maximum, nothing was taken. */
bool admission_take(struct admission *a, uint64_t bytes);

/* Gives back what was taken; more than that is a bug. */
void admission_give(struct admission *a, uint64_t bytes);

#endif
