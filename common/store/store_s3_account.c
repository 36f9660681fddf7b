#include "store/store_s3_account.h"

#include "base/log.h"
#include "base/str.h"
#include "sys/secret_file.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define FILE_MAX 16384

struct s3_account {
	char *path; /* "" when the keys came from the environment */
	pthread_mutex_t lock;
	struct s3_keys keys; /* under the lock */
};

void s3_keys_deinit(struct s3_keys *k)
{
	if (k->secret_key)
		OPENSSL_cleanse(k->secret_key, strlen(k->secret_key));
	free(k->access_key);
	free(k->secret_key);
	free(k->token);
	*k = (struct s3_keys){ 0 };
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = mem_strdup(value);
}

/* One line of the file. *ours_r: it and those behind it, until the next head, are of the profile "default". Other
 * settings of such a file are not ours. -1 for what is no line of one. (inih cuts lines at 200 bytes: tokens are longer.) */
static int take_line(struct s3_keys *k, char *line, bool *ours_r)
{
	char *name = str_trim(line), *value = strchr(name, '=');

	if (!*name || *name == '#' || *name == ';')
		return 0;
	if (*name == '[') {
		*ours_r = strcmp(name, "[default]") == 0;
		return 0;
	}
	if (!value)
		return -1;
	*value++ = '\0';
	name = str_trim(name);
	value = str_trim(value);
	char **to = strcmp(name, "aws_access_key_id") == 0 ? &k->access_key :
		strcmp(name, "aws_secret_access_key") == 0 ? &k->secret_key :
		strcmp(name, "aws_session_token") == 0	   ? &k->token :
							     NULL;

	if (to && *ours_r)
		set(to, value);
	return 0;
}

/* 0, or the number of the first line that is none. Takes text apart. */
static int take_text(struct s3_keys *k, char *text)
{
	bool ours = true;
	int number = 1;

	for (char *line = text, *next; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (take_line(k, line, &ours))
			return number;
	}
	return 0;
}

static int check(struct s3_keys *k, const char *from, struct err *e)
{
	if (!k->access_key || !*k->access_key)
		return err_permanent(e, "keys(%s) failed: no access key (aws_access_key_id, S3_ACCESS_KEY)", from);
	if (!k->secret_key || !*k->secret_key)
		return err_permanent(e, "keys(%s) failed: no secret key (aws_secret_access_key, S3_SECRET_KEY)", from);
	if (!k->token)
		k->token = mem_strdup("");
	return 0;
}

static int read_keys(struct s3_keys *k_r, const char *path, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(FILE_MAX);

	*k_r = (struct s3_keys){ 0 };
	if (secret_file_read(&b, path, e))
		return -1;
	int line = b.data ? take_text(k_r, b.data) : 0;

	if (b.data)
		OPENSSL_cleanse(b.data, b.len);
	if (line ? err_permanent(e, "keys(%s) failed: line %d is no setting", path, line) : check(k_r, path, e)) {
		s3_keys_deinit(k_r);
		return -1;
	}
	return 0;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int environment_keys(struct s3_keys *k_r, struct err *e)
{
	*k_r = (struct s3_keys){ mem_strdup(variable("S3_ACCESS_KEY")), mem_strdup(variable("S3_SECRET_KEY")),
		mem_strdup(variable("S3_SESSION_TOKEN")) };
	if (check(k_r, "environment", e)) {
		s3_keys_deinit(k_r);
		return -1;
	}
	return 0;
}

int s3_account_open(struct s3_account **a_r, const char *path, struct err *e)
{
	bool from_environment = variable("S3_ACCESS_KEY") || variable("S3_SECRET_KEY");
	struct s3_keys keys;

	if (!from_environment && !*path)
		return err_permanent(e, "the store has no keys: set credentials_file in [s3], or S3_ACCESS_KEY and "
			"S3_SECRET_KEY in the environment");
	if (from_environment ? environment_keys(&keys, e) : read_keys(&keys, path, e))
		return -1;
	struct s3_account *a = MEM_NEW(struct s3_account);

	a->path = mem_strdup(from_environment ? "" : path);
	a->keys = keys;
	pthread_mutex_init(&a->lock, NULL);
	*a_r = a;
	return 0;
}

void s3_account_closep(struct s3_account **a)
{
	if (!*a)
		return;
	pthread_mutex_destroy(&(*a)->lock);
	s3_keys_deinit(&(*a)->keys);
	free((*a)->path);
	free(*a);
	*a = NULL;
}

void s3_account_keys(struct s3_account *a, struct s3_keys *keys_r)
{
	pthread_mutex_lock(&a->lock);
	*keys_r = (struct s3_keys){ mem_strdup(a->keys.access_key), mem_strdup(a->keys.secret_key),
		mem_strdup(a->keys.token) };
	pthread_mutex_unlock(&a->lock);
}

static bool same(const struct s3_keys *a, const struct s3_keys *b)
{
	return strcmp(a->access_key, b->access_key) == 0 && strcmp(a->secret_key, b->secret_key) == 0 &&
		strcmp(a->token, b->token) == 0;
}

bool s3_account_renewed(struct s3_account *a, const struct s3_keys *refused)
{
	CLEANUP(s3_keys_deinit) struct s3_keys now = { 0 };
	struct err e;

	if (*a->path && read_keys(&now, a->path, &e)) {
		log_warn(NULL, "the store refuses its keys, and new ones can't be had: %s", e.text);
		return false;
	}
	pthread_mutex_lock(&a->lock);
	if (now.access_key && !same(&now, &a->keys)) { /* the old ones go with `now` */
		struct s3_keys old = a->keys;

		a->keys = now;
		now = old;
	}
	bool renewed = !same(&a->keys, refused);

	pthread_mutex_unlock(&a->lock);
	return renewed;
}
