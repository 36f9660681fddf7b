/* store_fs: what is stored can't be changed or removed by the account that stored it, where the immutable flag is to be
 * had, but by store_remove(); where it is not, that is said, once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define LACKS_THE_RIGHT 77 /* what a child exits with that can't be given it */

static char *top, *log_path;
static struct conf conf;

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct err e;

	(void)state;
	umask(077);
	top = mem_printf("%s/test-store-lock-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(top))
		return -1;
	log_path = mem_printf("%s/log", top);
	conf.store = mem_printf("fs:%s/store", top);
	return store_create(&conf, &e);
}

static int give_to_nobody(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return chown(path, NOBODY, NOBODY);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	int fd = type == FTW_F ? open(path, O_RDONLY) : -1, flags = 0;

	(void)st, (void)ftw;
	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_IMMUTABLE_FL) {
		flags &= ~FS_IMMUTABLE_FL;
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
			perror(path);
	}
	if (fd >= 0)
		close(fd);
	return remove(path);
}

static int tear_down(void **state)
{
	int failed = nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	(void)state;
	free(conf.store);
	free(log_path);
	free(top);
	return failed;
}

/* ---- in a child ---- */

/* An ordinary account with at most the right to set the flag. 0, or the status to exit with. */
static int become_ordinary(bool with_right)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() != 0)
		return with_right ? LACKS_THE_RIGHT : 0;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return LACKS_THE_RIGHT;
	if (with_right)
		data[0].permitted = data[0].effective = 1u << CAP_LINUX_IMMUTABLE;
	return syscall(SYS_capset, &header, data) ? LACKS_THE_RIGHT : 0;
}

static int put(struct store *s, struct locator *where_r)
{
	uint8_t sha256[SHA256_SIZE];
	struct store_object o = { .id = uuid_new(clock_now_us()), .data = "kept", .length = 4, .sha256 = sha256 };
	struct err e;

	sha256_of(o.data, o.length, sha256);
	return store_put(s, &o, where_r, &e);
}

/* Everything by which its own account could change what was stored. The number of the first that worked; 0. */
static int try_to_alter(const char *path)
{
	_free_ char *other = mem_printf("%s.moved", path);

	if (open(path, O_WRONLY) >= 0)
		return 1;
	if (chmod(path, 0600) == 0 || errno != EPERM)
		return 2;
	if (truncate(path, 0) == 0)
		return 3;
	if (unlink(path) == 0 || errno != EPERM)
		return 4;
	if (rename(path, other) == 0 || errno != EPERM)
		return 5;
	return link(path, other) == 0 ? 6 : 0;
}

static int keep_locked(void)
{
	CLEANUP(store_closep) struct store *s = NULL;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store_state now;
	struct err e;

	if (store_open(&s, &conf, &e) || put(s, &where) || store_stat(s, &where, &now, &e) != 1)
		return 10;
	if (!now.locked)
		return 11;
	_free_ char *path = mem_printf("%s/store/%s", top, where.key);

	return now.read_only && now.length == 4 ? try_to_alter(path) : 12;
}

static int remove_locked(void)
{
	CLEANUP(store_closep) struct store *s = NULL;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store_state now;
	struct err e;

	if (store_open(&s, &conf, &e) || put(s, &where) || store_stat(s, &where, &now, &e) != 1)
		return 10;
	if (!now.locked)
		return 11;
	if (store_remove(s, &where, &e))
		return 12;
	return store_stat(s, &where, &now, &e) ? 13 : 0;
}

static int drop_rights(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return (int)syscall(SYS_capset, &header, data);
}

static int remove_without_right(void)
{
	CLEANUP(store_closep) struct store *s = NULL;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct store_state now;
	struct err e;

	if (store_open(&s, &conf, &e) || put(s, &where) || drop_rights())
		return 10;
	if (store_remove(s, &where, &e) == 0 || e.class != ERR_TEMPORARY)
		return 11;
	if (!strstr(e.text, "CAP_LINUX_IMMUTABLE"))
		return 12;
	return store_stat(s, &where, &now, &e) == 1 && now.locked ? 0 : 13;
}

static int keep_unlocked(void)
{
	CLEANUP(store_closep) struct store *s = NULL;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	CLEANUP(locator_deinit) struct locator second = { 0 };
	struct store_state now;
	struct err e;

	log_init("test", LOG_INFO);
	if (!freopen(log_path, "w", stderr) || store_open(&s, &conf, &e) || put(s, &where) || put(s, &second) ||
		store_stat(s, &where, &now, &e) != 1)
		return 10;
	return !now.locked && now.read_only && now.length == 4 ? 0 : 11;
}

static int in_a_child(bool with_right, int (*work)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int lacking = become_ordinary(with_right);

		_exit(lacking ? lacking : work());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- tests ---- */

/* Does the file system have the flag, and may root here set it? */
static bool flag_is_to_be_had(void)
{
	_free_ char *path = mem_printf("%s/probe", top);
	int fd = open(path, O_CREAT | O_RDWR, 0600), flags = 0;
	bool had = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

	flags |= FS_IMMUTABLE_FL;
	had = had && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
	flags &= ~FS_IMMUTABLE_FL;
	if (had && ioctl(fd, FS_IOC_SETFLAGS, &flags))
		fail_msg("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	unlink(path);
	return had;
}

static void locked_and_then(int (*work)(void))
{
	if (geteuid() != 0 || !flag_is_to_be_had()) {
		print_message("needs root, CAP_LINUX_IMMUTABLE and a file system with the immutable flag in %s\n", top);
		skip();
	}
	assert_int_equal(nftw(top, give_to_nobody, 16, FTW_PHYS), 0);
	int status = in_a_child(true, work);

	if (status == LACKS_THE_RIGHT) {
		print_message("needs CAP_SETUID and CAP_LINUX_IMMUTABLE\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void what_is_locked_stays_as_it_is(void **state)
{
	(void)state;
	locked_and_then(keep_locked);
}

static void it_is_removed_with_the_right_to_take_the_lock_off(void **state)
{
	(void)state;
	locked_and_then(remove_locked);
}

static void it_stays_locked_without_the_right(void **state)
{
	(void)state;
	locked_and_then(remove_without_right);
}

static void that_there_is_no_lock_is_said_once(void **state)
{
	(void)state;
	char text[4096] = "";

	if (geteuid() == 0)
		assert_int_equal(nftw(top, give_to_nobody, 16, FTW_PHYS), 0);
	assert_int_equal(in_a_child(false, keep_unlocked), 0);
	FILE *f = fopen(log_path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	const char *line = strstr(text, "do not get the immutable flag");

	assert_non_null(line);
	assert_true(strstr(line, "CAP_LINUX_IMMUTABLE") || strstr(line, "the file system has no such flag"));
	assert_null(strstr(line + 1, "do not get the immutable flag"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_locked_stays_as_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_is_removed_with_the_right_to_take_the_lock_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_stays_locked_without_the_right, set_up, tear_down),
		cmocka_unit_test_setup_teardown(that_there_is_no_lock_is_said_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
