#include "queryd/code.h"

#include "base/clock.h"

#include <liboath/oath.h>
#include <string.h>

#define DIGITS 6
#define STEP_S 30
#define WINDOW 1 /* steps to either side: clocks differ */

int code_match(const struct call *c, const void *sealed, size_t n, const char *code, uint64_t *step_r, struct err *e)
{
	_free_ char *secret = mem_alloc(n, 1);
	size_t length;

	if (!n) /* a program's account, or nobody has enrolled yet */
		return 0;
	if (strlen(code) != DIGITS || strspn(code, "0123456789") != DIGITS)
		return 0;
	if (secret_open(c->service->seal, sealed, n, secret, &length, e) < 0)
		return -1;
	int rc = oath_totp_validate4(secret, length, (time_t)(clock_now_us() / CLOCK_SECOND), STEP_S, 0, WINDOW, NULL, step_r,
		0, code);

	explicit_bzero(secret, length);
	return rc >= 0;
}

int code_try(struct call *c, struct err *e)
{
	int rc = meta_account_code_try(c->service->meta, c->account.id, clock_now_us(), e);

	if (rc == 0)
		log_warn(&c->log, "no code is looked at: too many were wrong");
	return rc;
}

int code_use(struct call *c, const char *code, struct err *e)
{
	const struct account *a = &c->account;
	uint64_t step;
	int rc = code_try(c, e);

	if (rc == 1)
		rc = code_match(c, a->totp_secret, a->totp_secret_length, code, &step, e);
	if (rc == 1)
		rc = meta_account_totp_use(c->service->meta, a->id, step, e);
	return rc;
}
