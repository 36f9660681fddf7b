#include "index/index_fts_damage.h"

#include "base/log.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char *note_of(const char *path)
{
	return mem_printf("%s.damaged", path);
}

void fts_damage_note(const char *path)
{
	_free_ char *note = note_of(path);
	_close_ int fd = open(note, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0660);

	if (fd >= 0)
		log_error(NULL, "the index %s is damaged; strongroom-workerd builds a new one", path);
	else if (errno != EEXIST)
		log_error(NULL, "the index %s is damaged, and open(%s) failed: %s: run `strongroom reindex`", path, note,
			strerror(errno));
}

bool fts_damage_is_noted(const char *path)
{
	_free_ char *note = note_of(path);

	return access(note, F_OK) == 0;
}

void fts_damage_forget(const char *path)
{
	_free_ char *note = note_of(path);

	if (unlink(note) && errno != ENOENT)
		log_warn(NULL, "unlink(%s) failed: %s", note, strerror(errno));
}
