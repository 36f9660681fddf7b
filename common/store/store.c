#include "store/store_driver.h"

#include "base/clock.h"
#include "base/hex.h"
#include "sys/metrics_backend.h"

#include <string.h>

static const struct store_driver *const drivers[] = { &store_fs_driver, &store_s3_driver };

/* "fs:/var/lib/x" -> the driver and what stands behind the colon. */
static const struct store_driver *find_driver(const char *setting, const char **where_r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		size_t n = strlen(drivers[i]->kind);

		if (strncmp(setting, drivers[i]->kind, n) == 0 && setting[n] == ':') {
			*where_r = setting + n + 1;
			return drivers[i];
		}
	}
	err_permanent(e, "store_open(%s) failed: no store of that kind, known are fs:DIR and s3:BUCKET", setting);
	return NULL;
}

int store_open(struct store **s_r, const struct conf *conf, struct err *e)
{
	const char *where;
	const struct store_driver *d = find_driver(conf->store, &where, e);

	return d ? backend_result(BACKEND_STORE, d->open(s_r, where, conf, e), e) : -1;
}

void store_closep(struct store **s)
{
	if (*s)
		(*s)->driver->close(*s);
	*s = NULL;
}

int store_put(struct store *s, const struct store_object *o, struct locator *where_r, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->put(s, o, where_r, e), e);
}

int store_find(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->find(s, id, where_r, e), e);
}

int store_get(struct store *s, const struct locator *where, int (*sink)(void *ctx, const void *data, size_t n), void *ctx,
	struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->get(s, where, sink, ctx, e), e);
}

int store_stat(struct store *s, const struct locator *where, struct store_state *state_r, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->stat(s, where, state_r, e), e);
}

int store_list(struct store *s, const struct store_range *range,
	int (*take)(void *ctx, const struct store_listed *object), void *ctx, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->list(s, range, take, ctx, e), e);
}

int store_extend(struct store *s, const struct locator *where, int64_t retain_until_us, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->extend(s, where, retain_until_us, e), e);
}

int store_hold(struct store *s, const struct locator *where, bool on, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->hold(s, where, on, e), e);
}

/* Is this the very key of the id in it? */
static bool is_message_key(const char *key)
{
	const char *name = strrchr(key, '/');
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	if (!name || strlen(name + 1) < UUID_TEXT_SIZE - 1)
		return false;
	memcpy(text, name + 1, UUID_TEXT_SIZE - 1);
	text[UUID_TEXT_SIZE - 1] = '\0';
	if (uuid_parse(&id, text))
		return false;
	_free_ char *expected = store_key(&id);

	return strcmp(key, expected) == 0;
}

int store_remove(struct store *s, const struct locator *where, struct err *e)
{
	if (!is_message_key(where->key))
		return err_permanent(e, "remove(%s) failed: not the key of a message", where->key);
	if (where->offset)
		return err_permanent(e, "remove(%s) failed: it is a part of an object that others are in", where->key);
	return backend_result(BACKEND_STORE, s->driver->remove(s, where, e), e);
}

int store_remains(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e)
{
	struct store_state unused;
	int there = store_find(s, id, where_r, e);

	if (there <= 0)
		return there;
	there = store_stat(s, where_r, &unused, e);
	if (there <= 0)
		locator_deinit(where_r);
	return there;
}

int store_presign(struct store *s, const struct locator *where, uint32_t seconds, char **url_r, struct err *e)
{
	if (!s->driver->presign)
		return err_permanent(e, "presign(%s) failed: a store of kind %s has no URLs", where->key, s->driver->kind);
	return s->driver->presign(s, where, seconds, url_r, e);
}

static bool is_upload_key(const char *key)
{
	size_t prefix = strlen(STORE_UPLOADS);

	return strncmp(key, STORE_UPLOADS, prefix) == 0 && key[prefix] && !strstr(key, "..") && !strstr(key, "//") &&
		key[strlen(key) - 1] != '/' &&
		!key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/")];
}

int store_upload_begin(struct store *s, const char *key, int64_t retain_until_us, struct store_upload **u_r,
	struct err *e)
{
	if (!is_upload_key(key))
		return err_permanent(e, "upload(%s) failed: no key of an upload", key);
	return backend_result(BACKEND_STORE, s->driver->upload_begin(s, key, retain_until_us, u_r, e), e);
}

int store_upload_add(struct store_upload *u, const void *data, size_t n, struct err *e)
{
	return backend_result(BACKEND_STORE, u->store->driver->upload_add(u, data, n, e), e);
}

int store_upload_finish(struct store_upload **u, struct locator *where_r, struct err *e)
{
	if (backend_result(BACKEND_STORE, (*u)->store->driver->upload_finish(*u, where_r, e), e))
		return -1;
	*u = NULL;
	return 0;
}

void store_upload_abandonp(struct store_upload **u)
{
	if (*u)
		(*u)->store->driver->upload_abandon(*u);
	*u = NULL;
}

int store_upload_save(struct store_upload *u, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r, struct err *e)
{
	return backend_result(BACKEND_STORE, u->store->driver->upload_save(u, whole, state, tail_r, tail_n_r, e), e);
}

int store_upload_resume(struct store *s, const char *key, int64_t retain_until_us, const struct buf *state, struct store_upload **u_r,
	struct err *e)
{
	if (!is_upload_key(key))
		return err_permanent(e, "upload(%s) failed: no key of an upload", key);
	return backend_result(BACKEND_STORE, s->driver->upload_resume(s, key, retain_until_us, state, u_r, e), e);
}

void store_upload_leavep(struct store_upload **u)
{
	if (*u)
		(*u)->store->driver->upload_leave(*u);
	*u = NULL;
}

int store_upload_clear(struct store *s, const char *key, struct err *e)
{
	if (!is_upload_key(key))
		return err_permanent(e, "clear(%s) failed: no key of an upload", key);
	return s->driver->upload_clear(s, key, e);
}

int store_prove(struct store *s, store_report *report, void *ctx, struct err *e)
{
	return s->driver->prove ? s->driver->prove(s, report, ctx, e) : 0;
}

int store_proved(struct store *s, struct err *e)
{
	return s->driver->proved ? s->driver->proved(s, e) : 0;
}

int store_ready(struct store *s, struct err *e)
{
	return backend_result(BACKEND_STORE, s->driver->ready(s, e), e);
}

const char *store_lock_mode(const struct store *s)
{
	return s->driver->lock_mode;
}

int store_create(const struct conf *conf, struct err *e)
{
	const char *where;
	const struct store_driver *d = find_driver(conf->store, &where, e);

	return d ? d->create(where, conf, e) : -1;
}

char *store_key(const struct uuid *id)
{
	char text[UUID_TEXT_SIZE], day[CLOCK_TEXT_SIZE], spread[3];

	uuid_format(text, id);
	clock_format(day, uuid_time_us(id));
	hex_encode(spread, id->bytes + UUID_SIZE - 1, 1);
	return mem_printf("m/%s/%.4s/%.2s/%.2s/%s.eml", spread, day, day + 5, day + 8, text);
}
