#include "cli/import_place.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"
#include "meta/import.h"

#include <inttypes.h>
#include <string.h>

#define REFUSED_TEXT_MAX (IMPORT_PLACE_REFUSED_MAX * 11)

void import_place_deinit(struct import_place *p)
{
	free(p->refused);
	*p = (struct import_place){ 0 };
}

void import_place_restart(struct import_place *p, uint32_t uidvalidity)
{
	import_place_deinit(p);
	p->uidvalidity = uidvalidity;
}

/* ---- those refused ---- */

static size_t find(const struct import_place *p, uint32_t uid)
{
	size_t i = 0;

	while (i < p->refused_n && p->refused[i] < uid)
		i++;
	return i;
}

static void forget(struct import_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	if (at == p->refused_n || p->refused[at] != uid)
		return;
	p->refused_n--;
	memmove(p->refused + at, p->refused + at + 1, (p->refused_n - at) * sizeof(*p->refused));
}

static void remember(struct import_place *p, uint32_t uid)
{
	size_t at = find(p, uid);

	if ((at < p->refused_n && p->refused[at] == uid) || p->refused_n == IMPORT_PLACE_REFUSED_MAX)
		return;
	p->refused = mem_realloc(p->refused, p->refused_n + 1, sizeof(*p->refused));
	memmove(p->refused + at + 1, p->refused + at, (p->refused_n - at) * sizeof(*p->refused));
	p->refused[at] = uid;
	p->refused_n++;
}

void import_place_advance(struct import_place *p, const uint32_t *uids, const enum import_fate *fates, size_t n)
{
	bool whole = true;

	for (size_t i = 0; i < n; i++) {
		if (fates[i] == FATE_REFUSED)
			remember(p, uids[i]);
		else if (fates[i] == FATE_ARCHIVED || fates[i] == FATE_GONE)
			forget(p, uids[i]);
		whole = whole && fates[i] != FATE_PENDING && fates[i] != FATE_LEFT;
		if (whole && uids[i] > p->uid)
			p->uid = uids[i];
	}
}

/* ---- in the database ---- */

static void read_refused(struct import_place *p, const char *text)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };
	uint64_t uid;

	strv_split(&list, text, " ");
	for (size_t i = 0; i < list.n; i++)
		if (str_parse_u64(&uid, list.items[i], UINT32_MAX) == 0)
			remember(p, (uint32_t)uid);
}

int import_place_load(struct import_place *p, struct meta *m, const char *source, struct err *e)
{
	struct meta_import_place kept = { 0 };
	int found = meta_import_place_get(m, source, &kept, e);

	import_place_deinit(p);
	if (found <= 0)
		return found;
	p->uidvalidity = kept.uidvalidity;
	p->uid = kept.uid;
	read_refused(p, kept.refused);
	free(kept.refused);
	return 0;
}

int import_place_save(const struct import_place *p, struct meta *m, const char *source, struct err *e)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(REFUSED_TEXT_MAX);

	for (size_t i = 0; i < p->refused_n; i++)
		if (buf_printf(&text, "%s%" PRIu32, i ? " " : "", p->refused[i]) < 0)
			break;
	const struct meta_import_place kept = { p->uidvalidity, p->uid, text.data ? text.data : (char[]){ "" } };

	return meta_import_place_set(m, source, &kept, clock_now_us(), e);
}
