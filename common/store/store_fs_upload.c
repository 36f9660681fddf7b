#include "store/store_fs_upload.h"

#include "base/log.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECT_MODE 0400
#define DIRECTORY_MODE 0750

struct fs_upload {
	struct store_upload upload;
	int store; /* its directory; the store's */
	char *dir, *key;
	char *temp; /* see temp_of() */
	int fd;
	uint64_t length;
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

int store_fs_upload_begin(struct store *s, int dirfd, const char *dir, const char *key, struct store_upload **u_r,
	struct err *e)
{
	struct fs_upload *u = MEM_NEW(struct fs_upload);

	u->upload.store = s;
	u->store = dirfd;
	u->dir = mem_strdup(dir);
	u->key = mem_strdup(key);
	u->temp = temp_of(key);
	u->fd = -1;
	if (mkdirat(dirfd, "tmp", DIRECTORY_MODE) && errno != EEXIST)
		failed(u, "mkdir", "tmp", e);
	else if ((u->fd = openat(dirfd, u->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, OBJECT_MODE)) < 0)
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
	if (linkat(u->store, u->temp, u->store, u->key, 0))
		return failed(u, "link", u->key, e);
	io_fsync_dir_or_die(dirfd, parent);
	return 0;
}

int store_fs_upload_finish(struct store_upload *upload, struct locator *where_r, struct err *e)
{
	struct fs_upload *u = fs_upload(upload);

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
