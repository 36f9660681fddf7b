#include "archive/door.h"

#include "base/log.h"
#include "sys/proc.h"

static int open_archive(struct door *d, struct err *e)
{
	struct archive *a = NULL;

	if (archive_open(&a, d->conf, d->name, e))
		return -1;
	atomic_store(&d->archive, a);
	return 0;
}

int door_open(struct door *d, struct err *e)
{
	if (open_archive(d, e) == 0)
		return 0;
	if (e->class == ERR_PERMANENT)
		return -1;
	log_error(NULL, "mail is put off until the archive can be opened: %s", e->text);
	return 0;
}

void door_try(struct door *d)
{
	struct err e;

	if (open_archive(d, &e))
		log_error(NULL, "the archive can't be opened, trying again: %s", e.text);
	else
		proc_status("the archive is open");
}

bool door_is_open(struct door *d)
{
	return atomic_load(&d->archive) != NULL;
}

void door_close(struct door *d)
{
	struct archive *a = atomic_exchange(&d->archive, NULL);

	if (a)
		archive_closep(&a);
}
