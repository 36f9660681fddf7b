#include "store/store_fs_upload.h"

#include "base/log.h"
#include "base/pack.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT_MODE 0400
#define TEMP_MODE 0600 /* who goes on with it opens it anew */
#define DIRECTORY_MODE 0750

struct fs_upload {
	struct store_upload upload;
	int store; /* its directory; the store's */
	char *dir, *key;
	char *temp; /* see temp_of(); "": it has no such name, or keeps it */
	int fd;
	uint64_t length;
	bool named; /* it has its own name already */
};

static struct fs_upload *fs_upload(struct store_upload *u)
{
	return CONTAINER_OF(u, struct fs_upload, upload);
}

static int failed(const struct fs_upload *u, const char *op, const char *key, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", u->dir, key);

	return err_errno(e, op, path);
}

static void upload_free(struct fs_upload *u)
{
	io_closep(&u->fd);
	if (*u->temp && unlinkat(u->store, u->temp, 0) && errno != ENOENT)
		log_warn(NULL, "unlink(%s/%s) failed: %s", u->dir, u->temp, strerror(errno));
	free(u->dir);
	free(u->key);
	free(u->temp);
	free(u);
}

/* tmp/<key>, with another character for each '/': found again after a crash, or swept away by store_fs. Caller frees. */
static char *temp_of(const char *key)
{
	char *temp = mem_printf("tmp/%s", key);

	for (char *at = temp + strlen("tmp/"); *at; at++)
		if (*at == '/')
			*at = '+';
	return temp;
}

bool store_fs_upload_is_temp(const char *name)
{
	return name[0] == STORE_UPLOADS[0] && name[1] == '+';
}

static struct fs_upload *upload_new(struct store *s, int dirfd, const char *dir, const char *key)
{
	struct fs_upload *u = MEM_NEW(struct fs_upload);

	u->upload.store = s;
	u->store = dirfd;
	u->dir = mem_strdup(dir);
	u->key = mem_strdup(key);
	u->temp = temp_of(key);
	u->fd = -1;
	return u;
}

int store_fs_upload_begin(struct store *s, int dirfd, const char *dir, const char *key, struct store_upload **u_r,
	struct err *e)
{
	struct fs_upload *u = upload_new(s, dirfd, dir, key);

	if (mkdirat(dirfd, "tmp", DIRECTORY_MODE) && errno != EEXIST)
		failed(u, "mkdir", "tmp", e);
	else if ((u->fd = openat(dirfd, u->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, TEMP_MODE)) < 0)
		failed(u, "open", u->temp, e);
	if (u->fd < 0) {
		*u->temp = '\0'; /* not ours */
		upload_free(u);
		return -1;
	}
	*u_r = &u->upload;
	return 0;
}

int store_fs_upload_add(struct store_upload *upload, const void *data, size_t n, struct err *e)
{
	struct fs_upload *u = fs_upload(upload);

	if (io_write_all(u->fd, data, n))
		return failed(u, "write", u->key, e);
	u->length += n;
	return 0;
}

/* Never in the place of another file. */
static int give_name(struct fs_upload *u, struct err *e)
{
	_free_ char *parent = mem_dup(u->key, (size_t)(strrchr(u->key, '/') - u->key));

	if (io_mkdirs(u->store, parent, DIRECTORY_MODE, e))
		return err_prefix(e, "%s", u->dir);
	_close_ int dirfd = openat(u->store, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return failed(u, "open", parent, e);
	if (!u->named && linkat(u->store, u->temp, u->store, u->key, 0))
		return failed(u, "link", u->key, e);
	io_fsync_dir_or_die(dirfd, parent);
	return 0;
}

int store_fs_upload_finish(struct store_upload *upload, struct locator *where_r, struct err *e)
{
	struct fs_upload *u = fs_upload(upload);

	if (fchmod(u->fd, OBJECT_MODE))
		return failed(u, "fchmod", u->key, e);
	io_fsync_or_die(u->fd, u->key);
	if (give_name(u, e))
		return -1;
	*where_r = (struct locator){ mem_strdup(""), mem_strdup(u->key), mem_strdup(""), 0, u->length };
	upload_free(u);
	return 0;
}

void store_fs_upload_abandon(struct store_upload *upload)
{
	upload_free(fs_upload(upload));
}

/* ---- to be gone on with ---- */

int store_fs_upload_save(struct store_upload *upload, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r,
	struct err *e)
{
	struct fs_upload *u = fs_upload(upload);

	io_fsync_or_die(u->fd, u->key);
	_close_ int tmp = openat(u->store, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (tmp < 0)
		return failed(u, "open", "tmp", e);
	io_fsync_dir_or_die(tmp, "tmp");
	*tail_r = NULL;
	*tail_n_r = 0;
	if (pack_u64(state, u->length) || pack_u8(state, whole))
		return err_permanent(e, "save(%s/%s) failed: no room for it", u->dir, u->key);
	return 0;
}

/* It was made an object, or was about to be: 1, 0, -1. */
static int find_named(struct fs_upload *u, struct err *e)
{
	struct stat st;

	u->fd = openat(u->store, u->key, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (u->fd < 0)
		return errno == ENOENT ? 0 : failed(u, "open", u->key, e);
	if (fstat(u->fd, &st))
		return failed(u, "fstat", u->key, e);
	if ((uint64_t)st.st_size != u->length)
		return err_permanent(e, "resume(%s/%s) failed: it is an object, of another length", u->dir, u->key);
	u->named = true;
	return 1;
}

/* What lies behind u->length was not saved. */
static int open_temp(struct fs_upload *u, struct err *e)
{
	struct stat st;

	if (fchmodat(u->store, u->temp, TEMP_MODE, 0) || (u->fd = openat(u->store, u->temp, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		failed(u, "open", u->temp, e);
		if (errno == ENOENT)
			e->class = ERR_PERMANENT;
		return -1;
	}
	if (fstat(u->fd, &st))
		return failed(u, "fstat", u->temp, e);
	if ((uint64_t)st.st_size < u->length)
		return err_permanent(e, "resume(%s/%s) failed: it was cut", u->dir, u->temp);
	if (ftruncate(u->fd, (off_t)u->length) || lseek(u->fd, 0, SEEK_END) < 0)
		return failed(u, "ftruncate", u->temp, e);
	return 0;
}

static int reopen(struct fs_upload *u, const struct buf *state, struct err *e)
{
	struct unpack saved = UNPACK_INIT(state->data, state->len);

	u->length = unpack_u64(&saved);
	bool whole = unpack_u8(&saved) != 0;

	if (unpack_end(&saved) || u->length > INT64_MAX)
		return err_permanent(e, "resume(%s/%s) failed: what was saved can't be read", u->dir, u->key);
	int named = find_named(u, e);

	if (named < 0)
		return -1;
	if (named && !whole)
		return err_permanent(e, "resume(%s/%s) failed: it is an object", u->dir, u->key);
	return named ? 0 : open_temp(u, e);
}

int store_fs_upload_resume(struct store *s, int dirfd, const char *dir, const char *key, const struct buf *state,
	struct store_upload **u_r, struct err *e)
{
	struct fs_upload *u = upload_new(s, dirfd, dir, key);

	if (reopen(u, state, e)) {
		store_fs_upload_leave(&u->upload);
		return -1;
	}
	*u_r = &u->upload;
	return 0;
}

void store_fs_upload_leave(struct store_upload *upload)
{
	struct fs_upload *u = fs_upload(upload);

	*u->temp = '\0';
	upload_free(u);
}

int store_fs_upload_clear(int dirfd, const char *dir, const char *key, struct err *e)
{
	_free_ char *temp = temp_of(key);
	const char *const names[] = { temp, key };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_free_ char *path = mem_printf("%s/%s", dir, names[i]);

		if (unlinkat(dirfd, names[i], 0) && errno != ENOENT)
			return err_errno(e, "unlink", path);
	}
	return 0;
}
