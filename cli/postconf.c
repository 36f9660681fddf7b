/* Running postconf(1). */
#include "base/buf.h"
#include "cli/check.h"
#include "cli/check_socket.h"
#include "cli/postfix_config.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX (4u * 1024 * 1024)
#define ARGUMENTS_MAX 8

extern char **environ;

static int read_all(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, 4096);
		ssize_t n = room ? read(fd, room, 4096) : -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

static pid_t start(char *const *argv, int out, struct err *e)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0); /* it warns of what it may */
	int failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);

	if (failed == ENOENT)
		failed = posix_spawn(&pid, "/usr/sbin/postconf", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = failed;
	return failed ? err_errno(e, "posix_spawn", argv[0]) : pid;
}

/* What `postconf [-c directory] options…` prints; caller frees, NULL with *e. */
static char *postconf(const char *directory, const char *first, const char *second, struct err *e)
{
	const char *argv[ARGUMENTS_MAX] = { "postconf" };
	_close_ int from = -1, to = -1;
	struct buf out CLEANUP(buf_deinit) = BUF_INIT(OUTPUT_MAX);
	int fds[2], n = 1, status;

	if (directory) {
		argv[n++] = "-c";
		argv[n++] = directory;
	}
	argv[n++] = first;
	argv[n] = second;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		err_errno(e, "pipe", "postconf");
		return NULL;
	}
	from = fds[0];
	to = fds[1];
	pid_t pid = start((char *const *)argv, to, e);

	if (pid < 0)
		return NULL;
	io_closep(&to);
	int rc = read_all(from, &out);

	io_closep(&from);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		err_temporary(e, "postconf%s%s %s failed: try it by hand", directory ? " -c " : "",
			directory ? directory : "", first);
		return NULL;
	}
	return buf_take(&out);
}

void check_postfix(struct check *c, const char *directory)
{
	struct postfix_config config CLEANUP(postfix_config_deinit) = { 0 };
	struct err e;
	_free_ char *main = postconf(directory, "-x", NULL, &e);
	_free_ char *services = main ? postconf(directory, "-M", NULL, &e) : NULL;
	_free_ char *overrides = services ? postconf(directory, "-P", "-x", &e) : NULL;

	if (!overrides) {
		check_report(c, CHECK_PROBLEM, "name the directory of main.cf: --postfix DIRECTORY", "Postfix: %s", e.text);
		return;
	}
	postfix_config_read(&config, main, services, overrides);
	check_postfix_config(c, &config, directory);
	if (strncmp(c->conf->milter_listen, "unix:", 5) == 0) {
		_free_ char *owner = postfix_main(&config, "mail_owner");

		check_socket(c, c->conf->milter_listen + 5, owner);
	}
}
