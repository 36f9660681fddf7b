#include "cli/import_imap.h"

#include "base/clock.h"
#include "base/hex.h"
#include "cli/imap.h"
#include "cli/imap_secret.h"
#include "cli/import_message.h"
#include "cli/import_place.h"
#include "cli/password.h"
#include "cli/progress.h"
#include "sys/tls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WINDOW 500	   /* messages between two looks at what there is; 1 after a failure, then doubled again */
#define FETCH_ATTEMPTS 5   /* of one message, each on a connection of its own: then it is the message that fails */
#define ATTEMPTS 8	   /* of a connection without any progress, unless it follows */
#define FIRST_WAIT_US (CLOCK_SECOND / 2)
#define WAIT_MAX_US (300 * CLOCK_SECOND)

/* One folder. */
struct folder {
	struct import_imap *x;
	const struct imap_url *url;
	const char *name;
	char *source; /* in the account and for the place */
	const char *password; /* asked for, or NULL */
	struct imap *imap;    /* NULL between connections */
	struct import_place place;
	bool begun;	 /* it was opened at least once */
	bool retried;	 /* what was refused earlier has had its second try */
	bool progress;	 /* since the last failure */
	size_t window;	 /* how many messages at a time */
	uint32_t failing;   /* the message that could not be fetched */
	unsigned failures;  /* so many times */
	bool said_keeps; /* that the server can't remove */
};

/* Some messages, rising, and what became of each. */
struct window {
	struct folder *folder;
	uint32_t uids[WINDOW];
	enum import_fate fates[WINDOW];
	size_t n;
};

/* ---- one message ---- */

struct fetched {
	struct capture capture;
	struct err e; /* the spool's */
};

static void take_bytes(void *ctx, const char *data, size_t n)
{
	struct fetched *f = ctx;
	struct err e;

	if (f->e.class == ERR_NONE && import_message_append(&f->capture, data, n, &e) < 0)
		f->e = e;
}

static void fetched_deinit(struct fetched *f)
{
	capture_deinit(&f->capture);
}

static void begin(struct folder *f, uint32_t uid, struct fetched *to)
{
	_free_ char *where = mem_printf("%s;UIDVALIDITY=%" PRIu32 "/;UID=%" PRIu32, f->source, f->place.uidvalidity, uid);

	to->capture = import_message_begin(f->x->conf, f->x->recipients, where);
	to->capture.auth = mem_strdup(f->url->user);
	to->capture.tls = imap_tls(f->imap) ? mem_strdup(imap_tls(f->imap)) : NULL;
}

/* A message on which every connection breaks must not keep back those behind it. */
static int note_failure(struct window *w, size_t i, const struct capture *c, const struct err *e)
{
	struct folder *f = w->folder;

	f->failures = f->failing == w->uids[i] ? f->failures + 1 : 1;
	f->failing = w->uids[i];
	if (f->failures < FETCH_ATTEMPTS || w->n > 1 || progress_stopped())
		return -1;
	import_pool_refuse(f->x->pool, c->client, e->text);
	import_place_advance(&f->place, &w->uids[i], &(enum import_fate){ FATE_REFUSED }, 1);
	f->failures = 0;
	return -1; /* the connection is broken all the same */
}

static int fetch_one(struct window *w, size_t i, struct err *e)
{
	struct folder *f = w->folder;
	struct fetched to CLEANUP(fetched_deinit) = { 0 };

	begin(f, w->uids[i], &to);
	int got = imap_fetch(f->imap, w->uids[i], take_bytes, &to, e);

	if (got < 0)
		return note_failure(w, i, &to.capture, e);
	if (!got) {
		w->fates[i] = FATE_GONE;
		return 0;
	}
	if (to.e.class != ERR_NONE) {
		*e = to.e;
		return -1;
	}
	w->fates[i] = FATE_LEFT; /* until the pool says otherwise */
	got = import_message_complete(f->x->pool, f->x->conf, &to.capture, "", (uint64_t)(uintptr_t)&w->fates[i], e);
	if (got == 0)
		w->fates[i] = FATE_REFUSED;
	return got < 0 ? -1 : 0;
}

/* From the pool's threads; the window is looked at only when the pool is drained. */
static void settle(void *ctx, uint64_t number, enum import_outcome outcome)
{
	enum import_fate *fate = (enum import_fate *)(uintptr_t)number;

	(void)ctx;
	*fate = outcome == IMPORT_ARCHIVED ? FATE_ARCHIVED : outcome == IMPORT_REFUSED ? FATE_REFUSED : FATE_LEFT;
}

/* ---- one window ---- */

static int act(struct window *w, struct err *e)
{
	struct folder *f = w->folder;
	uint32_t archived[WINDOW];
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->fates[i] == FATE_ARCHIVED)
			archived[n++] = w->uids[i];
	if (f->x->action == IMPORT_FLAG)
		return imap_flag(f->imap, archived, n, f->x->flag, e);
	if (f->x->action == IMPORT_KEEP)
		return 0;
	if (n && !imap_removes(f->imap) && !f->said_keeps) {
		fprintf(stderr, "strongroom: %s only marks messages as deleted: it lacks UIDPLUS, and would remove with them what "
			"others marked\n", f->url->host);
		f->said_keeps = true;
	}
	return imap_delete(f->imap, archived, n, e);
}

/* The archive failed for longer than the pool is patient. */
static int check_pool(struct folder *f, struct err *e)
{
	struct import_account account;

	import_pool_account(f->x->pool, &account);
	if (!account.gave_up)
		return 0;
	*e = account.failure;
	return -1;
}

static void tell(struct folder *f)
{
	struct import_account a;

	if (!f->x->follow)
		return;
	import_pool_account(f->x->pool, &a);
	printf("%s: %" PRIu64 " offered, %" PRIu64 " archived, %" PRIu64 " already there, %" PRIu64 " refused\n", f->source,
		a.offered, a.archived, a.known, a.refused);
	fflush(stdout);
}

/* What was archived is acted on at the server, and noted, also when the window was cut short; but nothing is noted that
 * the server was not told. */
static int do_window(struct window *w, struct err *e)
{
	struct folder *f = w->folder;
	uint32_t before = f->place.uid;
	struct err later;
	int rc = 0;

	memset(w->fates, 0, sizeof(w->fates)); /* FATE_PENDING */
	for (size_t i = 0; rc == 0 && i < w->n && !import_pool_stopped(f->x->pool); i++)
		rc = fetch_one(w, i, e);
	import_pool_drain(f->x->pool);
	if (rc == 0)
		rc = act(w, e);
	if (rc < 0 && f->x->action != IMPORT_KEEP)
		return -1;
	import_place_advance(&f->place, w->uids, w->fates, w->n);
	if (import_place_save(&f->place, f->x->meta, f->source, &later) < 0) {
		*e = later;
		return -1;
	}
	f->progress = f->progress || f->place.uid > before;
	f->window = f->window * 2 < WINDOW ? f->window * 2 : WINDOW;
	tell(f);
	return rc < 0 ? -1 : check_pool(f, e);
}

/* ---- one connection ---- */

static int connect_to(struct folder *f, struct err *e)
{
	struct tls_context *tls CLEANUP(tls_context_freep) = NULL;
	char *secret CLEANUP(password_freep) = NULL;
	const char *path = f->x->token_file ? f->x->token_file : f->x->password_file;

	if (tls_client_context_new(&tls, f->x->ca, e) < 0)
		return -1;
	secret = path ? imap_secret_read(path, e) : mem_strdup(f->password);
	if (!secret)
		return -1;
	return imap_open(&f->imap, f->url, tls, f->x->token_file ? IMAP_TOKEN : IMAP_PASSWORD, secret, e);
}

/* Opens the folder; where it is another one than last time, under the same name, it is begun anew. */
static int look(struct folder *f, struct err *e)
{
	uint32_t uidvalidity;

	if (imap_select(f->imap, f->name, &uidvalidity, e) < 0)
		return -1;
	if (!f->begun && import_place_load(&f->place, f->x->meta, f->source, e) < 0)
		return -1;
	if (!f->begun && f->x->again)
		import_place_restart(&f->place, uidvalidity);
	f->begun = true;
	if (f->place.uidvalidity == uidvalidity)
		return 0;
	if (f->place.uidvalidity)
		printf("%s: the server numbers its messages anew: beginning with the first\n", f->source);
	import_place_restart(&f->place, uidvalidity);
	return 0;
}

/* What an earlier run refused may pass now. Once: what breaks the connection would do so again. */
static int retry_refused(struct folder *f, struct err *e)
{
	struct window w = { .folder = f };

	if (f->retried)
		return 0;
	f->retried = true;
	for (size_t at = 0; at < f->place.refused_n && !import_pool_stopped(f->x->pool); at += w.n) {
		w.n = f->place.refused_n - at < WINDOW ? f->place.refused_n - at : WINDOW;
		memcpy(w.uids, f->place.refused + at, w.n * sizeof(*w.uids));
		size_t before = f->place.refused_n;

		if (do_window(&w, e) < 0)
			return -1;
		w.n -= before - f->place.refused_n; /* those that passed are off the list */
	}
	return 0;
}

/* Everything that there is, and with `follow` everything that comes. */
static int empty(struct folder *f, struct err *e)
{
	struct window w = { .folder = f };

	while (!import_pool_stopped(f->x->pool)) {
		if (imap_next(f->imap, f->place.uid, w.uids, f->window, &w.n, e) < 0)
			return -1;
		if (w.n == 0 && !f->x->follow)
			return 0;
		if ((w.n ? do_window(&w, e) : imap_wait(f->imap, e)) < 0)
			return -1;
		f->progress = f->progress || !w.n;
		if (!import_pool_stopped(f->x->pool) && look(f, e) < 0)
			return -1;
	}
	return 0;
}

static int visit(struct folder *f, struct err *e)
{
	int rc = connect_to(f, e) < 0 || look(f, e) < 0 || retry_refused(f, e) < 0 || empty(f, e) < 0 ? -1 : 0;

	imap_closep(&f->imap);
	return rc;
}

/* ---- one folder ---- */

static void wait_us(struct folder *f, int64_t us)
{
	const struct timespec t = { .tv_nsec = 200 * 1000 * 1000 };
	int64_t end_us = clock_monotonic_us() + us;

	while (clock_monotonic_us() < end_us && !import_pool_stopped(f->x->pool))
		nanosleep(&t, NULL);
}

/* A wrong password or folder at the very beginning is for whoever started this; later it may be the server's mistake. */
static bool give_up(const struct folder *f, int attempt, const struct err *e)
{
	if (progress_stopped())
		return true;
	if (e->class == ERR_PERMANENT)
		return !f->x->follow || !f->begun;
	return !f->x->follow && (attempt >= ATTEMPTS || import_pool_stopped(f->x->pool));
}

static int do_folder(struct folder *f, struct err *e)
{
	int64_t wait = FIRST_WAIT_US;

	for (int attempt = 1;; attempt++) {
		f->progress = false;
		*e = (struct err){ 0 };
		if (visit(f, e) == 0)
			return 0;
		if (f->progress) {
			attempt = 1;
			wait = FIRST_WAIT_US;
		}
		if (give_up(f, attempt, e))
			return progress_stopped() ? 0 : -1;
		f->window = 1;
		fprintf(stderr, "strongroom: %s; trying again in %.1f s\n", e->text, (double)wait / CLOCK_SECOND);
		wait_us(f, wait);
		wait = wait * 2 < WAIT_MAX_US ? wait * 2 : WAIT_MAX_US;
	}
}

/* ---- one URL ---- */

static bool is_pattern(const char *folder)
{
	return strpbrk(folder, "*%");
}

/* A folder found by a pattern has the URL's source with its own name. */
static char *source_of(const struct imap_url *u, const char *folder, struct err *e)
{
	struct imap_url other CLEANUP(imap_url_deinit) = { 0 };

	if (!is_pattern(u->folder))
		return mem_strdup(u->source);
	return imap_url_with_folder(&other, u, folder, e) < 0 ? NULL : mem_strdup(other.source);
}

static void folder_deinit(struct folder *f)
{
	free(f->source);
	import_place_deinit(&f->place);
	imap_closep(&f->imap);
}

static int begin_folder(struct import_imap *x, const struct imap_url *u, const char *password, const char *name, struct err *e)
{
	struct folder f CLEANUP(folder_deinit) = { .x = x, .url = u, .name = name, .password = password, .window = WINDOW };

	f.source = source_of(u, name, e);
	if (!f.source)
		return -1;
	import_pool_follow(x->pool, settle, NULL, x->follow);
	int rc = do_folder(&f, e);

	import_pool_follow(x->pool, NULL, NULL, false); /* what else is put has no window */
	return rc;
}

static int list_folders(struct import_imap *x, const struct imap_url *u, const char *password, struct strv *folders, struct err *e)
{
	struct folder f CLEANUP(folder_deinit) = { .x = x, .url = u, .password = password };

	if (connect_to(&f, e) < 0 || imap_list(f.imap, u->folder, folders, e) < 0)
		return -1;
	return folders->n ? 0 : err_permanent(e, "%s has no folder %s", u->host, u->folder);
}

static int do_url(struct import_imap *x, const struct imap_url *u, const char *password, struct err *e)
{
	struct strv folders CLEANUP(strv_deinit) = { 0 };

	if (!is_pattern(u->folder))
		return begin_folder(x, u, password, u->folder, e);
	if (x->follow)
		return err_permanent(e, "--follow takes one folder, not %s: start one for each", u->folder);
	if (list_folders(x, u, password, &folders, e) < 0)
		return -1;
	for (size_t i = 0; i < folders.n && !import_pool_stopped(x->pool); i++)
		if (begin_folder(x, u, password, folders.items[i], e) < 0)
			return -1;
	return 0;
}

int import_imap(struct import_imap *x, const char *url, struct err *e)
{
	struct imap_url u CLEANUP(imap_url_deinit) = { 0 };
	char *password CLEANUP(password_freep) = NULL;

	if (imap_url_parse(&u, url, e) < 0)
		return -1;
	if (!x->token_file && !x->password_file) {
		_free_ char *whose = mem_printf("%s@%s", u.user, u.host);

		password = password_ask_existing(whose, e);
		if (!password)
			return -1;
	}
	return do_url(x, &u, password, e);
}

int import_imap_name(const char *url, char **name_r, struct err *e)
{
	struct imap_url u CLEANUP(imap_url_deinit) = { 0 };
	uint8_t digest[SHA256_SIZE];
	char text[2 * 4 + 1];

	if (imap_url_parse(&u, url, e) < 0)
		return -1;
	sha256_of(u.source, strlen(u.source), digest);
	hex_encode(text, digest, 4);
	*name_r = mem_printf("import-%s", text);
	return 0;
}
