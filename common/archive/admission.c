#include "archive/admission.h"

#include <assert.h>

void admission_init(struct admission *a, uint64_t max)
{
	a->max = max;
	atomic_init(&a->taken, 0);
}

bool admission_take(struct admission *a, uint64_t bytes)
{
	uint64_t taken = atomic_load(&a->taken);

	do {
		if (bytes > a->max - taken)
			return false;
	} while (!atomic_compare_exchange_weak(&a->taken, &taken, taken + bytes));
	return true;
}

void admission_give(struct admission *a, uint64_t bytes)
{
	uint64_t before = atomic_fetch_sub(&a->taken, bytes);

	assert(before >= bytes);
	(void)before;
}
