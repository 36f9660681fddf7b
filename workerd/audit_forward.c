/* audit_forward: each record of the audit goes on to a file and to a syslog server, for those who watch over several systems.
 * How far each daemon's sequence was sent is kept in the database, and moved on only when what was sent can't be lost: after
 * a failure or a crash the newest are sent again, and none is left out. */
#include "base/clock.h"
#include "base/log.h"
#include "meta/audit_forward.h"
#include "sys/io.h"
#include "workerd/audit_line.h"
#include "workerd/audit_syslog.h"
#include "workerd/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE 100 /* records between two looks at w->stop */

/* One place that records are sent to; its pieces are called by one thread. */
struct target {
	const char *name;
	/* Sends the records in order, and returns when they can't be lost. */
	int (*send)(struct worker *w, const struct audit_sealed *list, size_t n, struct err *e);
};

/* ---- the file ---- */

/* Behind a line that a crash has cut off there is none to be joined to it. */
static int end_cut_line(int fd, const char *path, struct err *e)
{
	struct stat st;
	char last;

	if (fstat(fd, &st))
		return err_errno(e, "fstat", path);
	if (st.st_size && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' && io_write_all(fd, "\n", 1))
		return err_errno(e, "write", path);
	return 0;
}

static int add_lines(struct buf *lines, const struct audit_sealed *list, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		_free_ char *text = NULL;

		if (audit_line_json(&list[i], &text, e))
			return -1;
		if (buf_add_str(lines, text) || buf_add_char(lines, '\n'))
			return err_permanent(e, "an audit record is too large to be sent");
	}
	return 0;
}

/* Opened anew each time, so that it can be moved away and cut by logrotate(8). */
static int send_to_file(struct worker *w, const struct audit_sealed *list, size_t n, struct err *e)
{
	const char *path = w->conf->workerd_audit_file;
	CLEANUP(buf_deinit) struct buf lines = BUF_INIT(SIZE_MAX / 2);
	_close_ int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return err_errno(e, "open", path);
	if (end_cut_line(fd, path, e) || add_lines(&lines, list, n, e))
		return -1;
	if (io_write_all(fd, lines.data, lines.len))
		return err_errno(e, "write", path);
	io_fsync_or_die(fd, path);
	return 0;
}

/* ---- syslog ---- */

static struct audit_syslog *server; /* of the syslog task, which runs in one thread */

static int send_all(struct worker *w, const struct audit_sealed *list, size_t n, struct err *e)
{
	if (!server && audit_syslog_open(&server, w->conf, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		_free_ char *text = NULL;

		if (audit_line_syslog(&list[i], w->conf->node, &text, e) || audit_syslog_send(server, text, e))
			return -1;
	}
	return audit_syslog_confirm(server, e);
}

static int send_to_syslog(struct worker *w, const struct audit_sealed *list, size_t n, struct err *e)
{
	if (send_all(w, list, n, e) == 0)
		return 0;
	audit_syslog_closep(&server);
	return -1;
}

/* ---- both ---- */

/* The next records of one daemon. 1: there may be more; 0; -1. */
static int forward_some(struct worker *w, const struct target *t, const char *daemon, struct err *e)
{
	struct meta *m = archive_meta(w->archive);
	struct audit_sealed *list;
	uint64_t sent;
	size_t n;

	if (meta_audit_forwarded(m, t->name, daemon, &sent, e) || meta_audit_sealed(m, daemon, sent, AT_ONCE, &list, &n, e))
		return -1;
	int failed = n ? t->send(w, list, n, e) : 0;

	if (n && !failed)
		failed = meta_audit_forward(m, t->name, daemon, sent, list[n - 1].seq, e);
	audit_sealed_free(list, n);
	return failed ? -1 : n == AT_ONCE;
}

static int forward(struct worker *w, const struct target *t, struct err *e)
{
	CLEANUP(strv_deinit) struct strv daemons = { 0 };

	if (meta_audit_daemons(archive_meta(w->archive), &daemons, e))
		return -1;
	for (size_t i = 0; i < daemons.n; i++) {
		int more = 1;

		while (more > 0 && !atomic_load(&w->stop))
			more = forward_some(w, t, daemons.items[i], e);
		if (more < 0)
			return -1;
	}
	return 0;
}

static int run_file(struct worker *w, struct err *e)
{
	static const struct target file = { "file", send_to_file };

	return *w->conf->workerd_audit_file ? forward(w, &file, e) : 0;
}

static int run_syslog(struct worker *w, struct err *e)
{
	static const struct target syslog = { "syslog", send_to_syslog };

	return *w->conf->workerd_audit_syslog ? forward(w, &syslog, e) : 0;
}

const struct task audit_file_task = {
	.name = "audit file",
	.interval = offsetof(struct conf, workerd_audit_interval_us),
	.run = run_file,
};

const struct task audit_syslog_task = {
	.name = "audit syslog",
	.interval = offsetof(struct conf, workerd_audit_interval_us),
	.run = run_syslog,
};
