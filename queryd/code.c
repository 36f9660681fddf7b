#include "queryd/code.h"

#include "base/clock.h"

#include <liboath/oath.h>
#include <string.h>

#define DIGITS 6
#define STEP_S 30
#define WINDOW 1 /* steps to either side: clocks differ */

/* The step that the code belongs to, in *step_r. 1, 0 when it belongs to none near now, -1. */
static int match(const struct call *c, const char *code, uint64_t *step_r, struct err *e)
{
	const struct account *a = &c->account;
	_free_ char *secret = mem_alloc(a->totp_secret_length, 1);
	size_t n;

	if (!a->totp_secret_length) /* a program's, or nobody has enrolled yet */
		return 0;
	if (strlen(code) != DIGITS || strspn(code, "0123456789") != DIGITS)
		return 0;
	if (secret_open(c->service->seal, a->totp_secret, a->totp_secret_length, secret, &n, e) < 0)
		return -1;
	int rc = oath_totp_validate4(secret, n, (time_t)(clock_now_us() / CLOCK_SECOND), STEP_S, 0, WINDOW, NULL, step_r,
		0, code);

	explicit_bzero(secret, n);
	return rc >= 0;
}

int code_use(struct call *c, const char *code, struct err *e)
{
	uint64_t step;
	int rc = meta_account_code_try(c->service->meta, c->account.id, clock_now_us(), e);

	if (rc == 0)
		log_warn(&c->log, "no code is looked at: too many were wrong");
	if (rc == 1)
		rc = match(c, code, &step, e);
	if (rc == 1)
		rc = meta_account_totp_use(c->service->meta, c->account.id, step, e);
	return rc;
}
