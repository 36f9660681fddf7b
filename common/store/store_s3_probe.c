#include "store/store_s3_probe.h"

#include "base/log.h"
#include "store/store_s3_probe_object.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FIRST_LOCK_US (3 * CLOCK_SECOND)
#define LOCK_MAX_US (90 * CLOCK_SECOND)
#define EXTENSION_US CLOCK_SECOND
#define WAIT_MAX_US (180 * CLOCK_SECOND)

#define ANOTHER_STORE \
	"use a version of this store, or another store, that keeps its locks; nothing may be captured to this one"

void probe_tell(const struct s3_probing *p, enum store_finding kind, const char *remedy, const char *fmt, ...)
{
	char text[480];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	p->report(p->ctx, kind, text, remedy);
}

static void PRINTF_LIKE(2, 3) tell_broken(struct s3_probing *p, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!p->broken)
		p->broken = mem_strdup(text);
	probe_tell(p, STORE_FAILS, ANOTHER_STORE, "this store breaks locks: %s", text);
}

/* ---- the attempts ---- */

static void make_delete(const struct probe_object *o, struct s3_request *r)
{
	*r = (struct s3_request){ .method = "DELETE", .key = o->key };
	s3_query(r, "versionId", o->version);
}

static void make_delete_with_bypass(const struct probe_object *o, struct s3_request *r)
{
	make_delete(o, r);
	s3_header(r, "x-amz-bypass-governance-retention", "true");
}

static void make_delete_of_many(const struct probe_object *o, struct s3_request *r)
{
	_free_ char *version = s3_xml_escape(o->version);
	char *body = mem_printf("<Delete><Object><Key>%s</Key><VersionId>%s</VersionId></Object></Delete>", o->key,
		version);

	*r = (struct s3_request){ .method = "POST", .body = body, .length = strlen(body) };
	s3_query(r, "delete", "");
	s3_header(r, "Content-Type", "application/xml");
	s3_content_md5(r);
}

static void make_retention(const struct probe_object *o, struct s3_request *r, char *body)
{
	store_s3_put_aspect(r, o->key, o->version, "retention", body);
	s3_header(r, "x-amz-bypass-governance-retention", "true");
}

/* One second earlier is in the future yet, as a store may demand. */
static void make_shorter(const struct probe_object *o, struct s3_request *r)
{
	make_retention(o, r, store_s3_retention_body("COMPLIANCE", o->until_us - CLOCK_SECOND));
}

static void make_downgrade(const struct probe_object *o, struct s3_request *r)
{
	make_retention(o, r, store_s3_retention_body("GOVERNANCE", o->until_us));
}

static void make_unlocked(const struct probe_object *o, struct s3_request *r)
{
	make_retention(o, r, mem_strdup("<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"));
}

/* With a lock of its own: a default of the bucket could be one of years. */
static void make_overwrite(const struct probe_object *o, struct s3_request *r)
{
	char *body = mem_strdup("other bytes");

	*r = (struct s3_request){ .method = "PUT", .key = o->key, .body = body, .length = strlen(body) };
	s3_content_md5(r);
	store_s3_lock_headers(o->s, r, o->until_us);
}

static void make_overwrite_unless_there(const struct probe_object *o, struct s3_request *r)
{
	make_overwrite(o, r);
	s3_header(r, "If-None-Match", "*");
}

static void make_overwrite_with_wrong_sum(const struct probe_object *o, struct s3_request *r)
{
	make_overwrite(o, r);
	s3_header(r, "x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="); /* that of nothing */
}

static const struct attempt {
	const char *what;
	void (*make)(const struct probe_object *o, struct s3_request *r);
} attempts[] = {
	{ "deleting the version", make_delete },
	{ "deleting it with the right to bypass governance", make_delete_with_bypass },
	{ "deleting it among several", make_delete_of_many },
	{ "shortening its lock", make_shorter },
	{ "making its lock GOVERNANCE", make_downgrade },
	{ "taking its lock off", make_unlocked },
	{ "writing another object over it", make_overwrite },
};

/* One request that its `make` made, whose body it frees. 0 with the status, -1. */
static int ask(struct probe_object *o, void (*make)(const struct probe_object *o, struct s3_request *r), int *status_r,
	struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct probe_answer answer;

	make(o, &r);
	int rc = probe_call(o, &r, &answer, e);

	free((void *)(uintptr_t)r.body);
	if (rc)
		return -1;
	if (answer.version)
		probe_object_other(o, answer.version);
	free(answer.version);
	*status_r = answer.status;
	return 0;
}

/* 1 when the object is as it was, 0 when it is not (which is told), -1. */
static int try(struct s3_probing *p, struct probe_object *o, const struct attempt *a, struct err *e)
{
	_free_ char *became = NULL;
	int status;

	if (ask(o, a->make, &status, e))
		return -1;
	int intact = probe_object_intact(o, &became, e);

	if (intact == 0)
		tell_broken(p, "%s was answered %d, and afterwards %s", a->what, status, became);
	return intact;
}

static int try_all(struct s3_probing *p, struct probe_object *o, struct err *e)
{
	int intact = 1;

	for (size_t i = 0; i < ARRAY_LEN(attempts) && intact == 1; i++)
		intact = try(p, o, &attempts[i], e);
	return intact;
}

/* What is good to have, but not needed. */
static int try_extras(struct s3_probing *p, struct probe_object *o, struct err *e)
{
	int status;

	if (ask(o, make_overwrite_unless_there, &status, e))
		return -1;
	p->conditional = status == 412;
	if (ask(o, make_overwrite_with_wrong_sum, &status, e))
		return -1;
	p->checks_sums = status / 100 == 4;
	return 0;
}

/* ---- hold ---- */

/* What refuses a longer lock or a hold says that the account may not touch locks at all. */
static int change(struct probe_object *o, const char *aspect, const char *body, bool *done_r, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct probe_answer answer;

	store_s3_put_aspect(&r, o->key, o->version, aspect, body);
	if (probe_call(o, &r, &answer, e))
		return -1;
	free(answer.version);
	*done_r = answer.status / 100 == 2;
	return 0;
}

static int set_hold(struct probe_object *o, bool on, bool *done_r, struct err *e)
{
	_free_ char *body = store_s3_hold_body(on);

	return change(o, "legal-hold", body, done_r, e);
}

static int lengthen(struct s3_probing *p, struct probe_object *o, struct err *e)
{
	_free_ char *body = store_s3_retention_body("COMPLIANCE", o->until_us + EXTENSION_US);
	_free_ char *became = NULL;
	bool done;

	if (change(o, "retention", body, &done, e))
		return -1;
	if (!done) {
		p->inconclusive = true;
		probe_tell(p, STORE_LACKS, NULL, "this account may not lengthen locks (s3:PutObjectRetention)");
		return 0;
	}
	o->until_us += EXTENSION_US;
	int intact = probe_object_intact(o, &became, e);

	if (intact == 0)
		tell_broken(p, "a lock was made longer, and afterwards %s", became);
	return intact < 0 ? -1 : 0;
}

/* Behind the end of the lock the hold alone keeps the object. */
static int try_hold(struct s3_probing *p, struct probe_object *o, bool held, struct err *e)
{
	int status;

	if (!held) {
		probe_tell(p, STORE_LACKS, NULL, "legal holds could not be tried: this account may not set them "
			"(s3:PutObjectLegalHold), or the store has none");
		return 0;
	}
	if (ask(o, make_delete_with_bypass, &status, e))
		return -1;
	int there = probe_object_exists(o, e);

	if (there == 0)
		tell_broken(p, "an object under a legal hold could be deleted once its lock was over (the answer was %d)",
			status);
	p->hold_tried = there == 1;
	return there < 0 || set_hold(o, false, &held, e) ? -1 : 0;
}

/* ---- the end: what was refused before must work now, else it was the account and not the lock ---- */

static int remove_all(struct s3_probing *p, struct probe_object *o, struct err *e)
{
	bool may;

	if (probe_object_remove(o, &may, e))
		return -1;
	if (!may)
		p->inconclusive = true;
	return 0;
}

/* ---- in order ---- */

static int wait_for_end(struct probe_object *o, struct err *e)
{
	const int64_t give_up = clock_monotonic_us() + WAIT_MAX_US;
	const struct timespec moment = { .tv_nsec = 250 * 1000 * 1000 };

	for (;;) {
		if (probe_object_exists(o, e) < 0)
			return -1;
		if (o->server_us > o->until_us + CLOCK_SECOND)
			return 0;
		if (clock_monotonic_us() > give_up)
			return err_temporary(e, "probe(%s) failed: the store's clock stands still", o->key);
		nanosleep(&moment, NULL);
	}
}

/* 1 when all attempts were made while the lock was on, 0 when they took longer, -1. */
static int try_while_locked(struct s3_probing *p, struct probe_object *o, int64_t lock_us, struct err *e)
{
	_free_ char *became = NULL;

	if (probe_object_put(o, lock_us, e))
		return -1;
	int intact = probe_object_intact(o, &became, e);

	if (intact == 0)
		tell_broken(p, "an object was stored with a lock, and %s", became);
	if (intact == 1)
		intact = try_all(p, o, e);
	if (intact < 0 || (intact && try_extras(p, o, e)))
		return -1;
	return !intact || o->server_us < o->until_us;
}

static int finish(struct s3_probing *p, struct probe_object *o, struct err *e)
{
	bool held = false;

	if (!p->broken && (lengthen(p, o, e) || set_hold(o, true, &held, e)))
		return -1;
	if (wait_for_end(o, e))
		return -1;
	if (!p->broken && try_hold(p, o, held, e))
		return -1;
	return remove_all(p, o, e);
}

/* Leaves no object behind if it can. */
static void give_up(struct probe_object *o)
{
	struct err unheard;
	bool may;

	if (o->version && (wait_for_end(o, &unheard) || probe_object_remove(o, &may, &unheard)))
		log_debug(NULL, "a probe object stays: %s", unheard.text);
}

/* 1, 0 when the lock was over too soon, -1. */
static int probe_with(struct store_s3 *s, struct s3_probing *p, int64_t lock_us, struct err *e)
{
	CLEANUP(probe_object_deinit) struct probe_object o = { 0 };

	probe_object_init(&o, s);
	int in_time = try_while_locked(p, &o, lock_us, e);

	if (in_time == 0)
		give_up(&o);
	if (in_time <= 0 || finish(p, &o, e))
		return in_time <= 0 ? in_time : -1;
	p->encryption = o.encryption;
	o.encryption = NULL;
	return 1;
}

void s3_probing_deinit(struct s3_probing *p)
{
	free(p->broken);
	free(p->encryption);
}

/* Rights are looked at before the version is looked for: there is none of that id. */
int store_s3_probe_account(struct store_s3 *s, struct s3_probing *p, struct err *e)
{
	CLEANUP(probe_object_deinit) struct probe_object o = { 0 };
	const struct uuid id = uuid_new(clock_now_us());
	char version[UUID_TEXT_SIZE];
	int status;

	probe_object_init(&o, s);
	if (probe_ask_clock(&o, e))
		return -1;
	p->server_us = o.server_us;
	p->here_us = clock_now_us();
	o.version = mem_strdup(uuid_format(version, &id));
	if (ask(&o, make_delete, &status, e))
		return -1;
	p->inconclusive = status == 403;
	return 0;
}

int store_s3_probe(struct store_s3 *s, struct s3_probing *p, struct err *e)
{
	for (int64_t lock_us = FIRST_LOCK_US; lock_us <= LOCK_MAX_US; lock_us *= 3) {
		int done = probe_with(s, p, lock_us, e);

		if (done)
			return done < 0 ? -1 : 0;
	}
	return err_temporary(e, "probe(s3:%s) failed: the store is too slow: some requests took longer than a lock of %d s",
		s3_client_bucket(s->client), (int)(LOCK_MAX_US / CLOCK_SECOND));
}
