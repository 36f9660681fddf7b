#include "workerd/export_place.h"

#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "exports"
#define DIRECTORY_MODE 0700

void export_place_leavep(struct export_place **pp)
{
	struct export_place *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	io_closep(&p->lock);
	free(p->dir);
	free(p);
}

/* Those of an export have no folders. Another process may be about to open it: it looks whether it is there still. */
void export_place_removep(struct export_place **pp)
{
	struct export_place *p = *pp;
	DIR *d = p ? opendir(p->dir) : NULL;

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlinkat(dirfd(d), entry->d_name, 0))
			log_warn(NULL, "unlink(%s/%s) failed: %s", p->dir, entry->d_name, strerror(errno));
	if (d)
		closedir(d);
	if (p && rmdir(p->dir) && errno != ENOENT)
		log_warn(NULL, "rmdir(%s) failed: %s", p->dir, strerror(errno));
	export_place_leavep(pp);
}

/* Opens and locks it: 1; 0 when somebody else is at it, or it is gone; -1. Takes dir. */
static int take(struct export_place **p_r, char *dir, uint64_t epoch, struct err *e)
{
	CLEANUP(export_place_leavep) struct export_place *p = MEM_NEW(struct export_place);
	struct stat st;

	p->dir = dir;
	p->epoch = epoch;
	p->lock = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (p->lock < 0)
		return errno == ENOENT ? 0 : err_errno(e, "open", dir);
	if (flock(p->lock, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? 0 : err_errno(e, "flock", dir);
	if (fstat(p->lock, &st))
		return err_errno(e, "fstat", dir);
	if (!st.st_nlink)
		return 0;
	*p_r = p;
	p = NULL;
	return 1;
}

static char *dir_of(const char *spool_dir, const struct uuid *id, uint64_t epoch)
{
	char text[UUID_TEXT_SIZE];

	return mem_printf("%s/" FOLDER "/%s-%" PRIu64, spool_dir, uuid_format(text, id), epoch);
}

int export_place_make(struct export_place **p_r, const char *spool_dir, const struct uuid *id, uint64_t epoch, struct err *e)
{
	_close_ int spool = open(spool_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_free_ char *dir = dir_of(spool_dir, id, epoch);

	if (spool < 0)
		return err_errno(e, "open", spool_dir);
	if (io_mkdirs(spool, dir + strlen(spool_dir) + 1, DIRECTORY_MODE, e))
		return -1;
	int taken = take(p_r, mem_strdup(dir), epoch, e);

	return taken > 0 ? 0 : taken < 0 ? -1 : err_temporary(e, "flock(%s) failed: somebody is at it", dir);
}

/* ---- finding ---- */

/* "<id>-<epoch>" */
static bool parse_name(const char *name, struct uuid *id_r, uint64_t *epoch_r)
{
	char text[UUID_TEXT_SIZE];

	if (strlen(name) <= UUID_TEXT_SIZE || name[UUID_TEXT_SIZE - 1] != '-')
		return false;
	memcpy(text, name, UUID_TEXT_SIZE - 1);
	text[UUID_TEXT_SIZE - 1] = '\0';
	return uuid_parse(id_r, text) == 0 && str_parse_u64(epoch_r, name + UUID_TEXT_SIZE, UINT64_MAX) == 0;
}

/* The names in the folder; none when it is not there yet. */
static int list(struct strv *names_r, const char *spool_dir, struct err *e)
{
	_free_ char *folder = mem_printf("%s/" FOLDER, spool_dir);
	DIR *d = opendir(folder);

	if (!d)
		return errno == ENOENT ? 0 : err_errno(e, "opendir", folder);
	for (struct dirent *entry; (entry = readdir(d));)
		strv_add(names_r, entry->d_name);
	closedir(d);
	return 0;
}

/* The last one before `before`: its epoch in *epoch_r; false: there is none. */
static bool find_last(const struct strv *names, const struct uuid *id, uint64_t before, uint64_t *epoch_r)
{
	bool found = false;

	for (size_t i = 0; i < names->n; i++) {
		struct uuid of;
		uint64_t epoch;

		if (!parse_name(names->items[i], &of, &epoch) || memcmp(&of, id, sizeof(of)) != 0 || epoch >= before)
			continue;
		if (!found || epoch > *epoch_r)
			*epoch_r = epoch;
		found = true;
	}
	return found;
}

int export_place_find(struct export_place **p_r, const char *spool_dir, const struct uuid *id, struct err *e)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	uint64_t epoch = UINT64_MAX;
	int taken = 0;

	if (list(&names, spool_dir, e))
		return -1;
	while (!taken && find_last(&names, id, epoch, &epoch))
		taken = take(p_r, dir_of(spool_dir, id, epoch), epoch, e);
	return taken;
}

/* ---- sweeping ---- */

/* Those that are wanted are not even locked: whoever is about to take one up must not find it so. */
int export_places_sweep(const char *spool_dir, int (*wanted)(void *ctx, const struct uuid *id, struct err *e), void *ctx, struct err *e)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };

	if (list(&names, spool_dir, e))
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		CLEANUP(export_place_leavep) struct export_place *p = NULL;
		struct uuid id;
		uint64_t epoch;

		if (!parse_name(names.items[i], &id, &epoch))
			continue;
		int is_wanted = wanted(ctx, &id, e), taken = is_wanted ? 0 : take(&p, dir_of(spool_dir, &id, epoch), epoch, e);

		if (is_wanted < 0 || taken < 0)
			return -1;
		if (!taken)
			continue;
		log_info(NULL, "removing %s, which nobody needs any more", p->dir);
		export_place_removep(&p);
	}
	return 0;
}
