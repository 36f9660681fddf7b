#include "cli/mbox.h"

#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (64u * 1024)
#define FROM "From "
#define FROM_LINE_MAX 512

struct mbox {
	int fd;
	bool unquote, ended;
	bool begun;	    /* the first From_ line was read */
	bool in_message;    /* what is next belongs to the message at hand */
	bool at_line_start; /* of what is next */
	char held[2];	    /* an empty line that may be the separator: given out only if the message goes on */
	size_t held_n;
	uint64_t offset; /* of buffer[start] in the file */
	size_t start, end;
	size_t given; /* bytes at start that the caller is looking at */
	char buffer[BUFFER_SIZE];
};

struct mbox *mbox_new(int fd, const void *head, size_t head_n, bool unquote)
{
	struct mbox *m = MEM_NEW(struct mbox);

	if (head_n > sizeof(m->buffer))
		log_fatal(NULL, "mbox_new() failed: %zu bytes of head", head_n);
	if (head_n)
		memcpy(m->buffer, head, head_n);
	m->end = head_n;
	m->fd = fd;
	m->unquote = unquote;
	m->at_line_start = true;
	return m;
}

void mbox_freep(struct mbox **m)
{
	free(*m);
	*m = NULL;
}

/* ---- From_ lines ---- */

static bool one_of(const char *word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(word, names[i], 3) == 0 && (!word[3] || (word[3] == ',' && !word[4])))
			return true;
	return false;
}

static bool is_weekday(const char *word)
{
	static const char *const names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

	return one_of(word, names, ARRAY_LEN(names));
}

static bool is_month(const char *word)
{
	static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
		"Nov", "Dec" };

	return one_of(word, names, ARRAY_LEN(names));
}

/* "9:05", "09:05:30" */
static bool is_time(const char *word)
{
	size_t hour = strspn(word, "0123456789");

	return hour >= 1 && hour <= 2 && word[hour] == ':' && strspn(word + hour + 1, "0123456789") == 2;
}

static bool is_year(const char *word)
{
	return strspn(word, "0123456789") == 4 && !word[4];
}

/* Weekday, month, time and year, whatever stands between them. */
static bool is_date(const struct strv *words, size_t at)
{
	bool month = false, time = false, year = false;

	if (at >= words->n || !is_weekday(words->items[at]))
		return false;
	for (size_t i = at + 1; i < words->n; i++) {
		month = month || is_month(words->items[i]);
		time = time || is_time(words->items[i]);
		year = year || is_year(words->items[i]);
	}
	return month && time && year;
}

static bool begins_with_from(const char *line, size_t n)
{
	return n >= strlen(FROM) && memcmp(line, FROM, strlen(FROM)) == 0;
}

bool mbox_is_from_line(const char *line, size_t n)
{
	struct strv words CLEANUP(strv_deinit) = { 0 };

	if (!begins_with_from(line, n) || n > FROM_LINE_MAX)
		return false;
	_free_ char *text = mem_dup(line, n);

	strv_split(&words, text + strlen(FROM), " \t\r\n");
	return is_date(&words, 0) || is_date(&words, 1); /* an empty sender happens */
}

static void read_sender(const char *line, size_t n, char sender_r[MBOX_SENDER_SIZE])
{
	struct strv words CLEANUP(strv_deinit) = { 0 };
	_free_ char *text = mem_dup(line, n);

	*sender_r = '\0';
	strv_split(&words, text + strlen(FROM), " \t\r\n<>");
	if (words.n && strchr(words.items[0], '@') && strlen(words.items[0]) < MBOX_SENDER_SIZE &&
		str_utf8_valid(words.items[0], strlen(words.items[0])))
		strcpy(sender_r, words.items[0]); /* its length was checked */
}

/* ---- reading ---- */

static void consume(struct mbox *m, size_t n)
{
	if (!n)
		return;
	m->at_line_start = m->buffer[m->start + n - 1] == '\n';
	m->start += n;
	m->offset += n;
}

static int fill(struct mbox *m, struct err *e)
{
	ssize_t n;

	memmove(m->buffer, m->buffer + m->start, m->end - m->start);
	m->end -= m->start;
	m->start = 0;
	do
		n = read(m->fd, m->buffer + m->end, BUFFER_SIZE - m->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(e, "read", "mailbox");
	m->ended = n == 0;
	m->end += (size_t)n;
	return 0;
}

/* The rest of the line, with its end, or as much of it as there is room for; *n_r is 0 at the end of the file. */
static int peek(struct mbox *m, size_t *n_r, struct err *e)
{
	const char *newline;

	for (;;) {
		newline = memchr(m->buffer + m->start, '\n', m->end - m->start);
		if (newline || m->ended || m->end - m->start == BUFFER_SIZE)
			break;
		if (fill(m, e) < 0)
			return -1;
	}
	*n_r = newline ? (size_t)(newline + 1 - (m->buffer + m->start)) : m->end - m->start;
	return 0;
}

static bool is_empty_line(const char *line, size_t n)
{
	return (n == 1 && line[0] == '\n') || (n == 2 && line[0] == '\r' && line[1] == '\n');
}

static bool is_quoted(const char *line, size_t n)
{
	size_t marks = 0;

	while (marks < n && line[marks] == '>')
		marks++;
	return marks && begins_with_from(line + marks, n - marks);
}

/* 1: an empty line was given out that had been held; 0: there was none. */
static int give_held(struct mbox *m, const char **data_r, size_t *n_r)
{
	if (!m->held_n)
		return 0;
	*data_r = m->held;
	*n_r = m->held_n;
	m->held_n = 0;
	return 1;
}

/* Gives out as many whole lines as are in the buffer and need no second look, for few long pieces. */
static size_t extend(const struct mbox *m, size_t n)
{
	for (;;) {
		const char *line = m->buffer + m->start + n;
		const char *newline = memchr(line, '\n', m->end - m->start - n);

		if (!newline || line[0] == '\r' || line[0] == '\n' || line[0] == 'F' || line[0] == '>')
			return n;
		n = (size_t)(newline + 1 - (m->buffer + m->start));
	}
}

int mbox_read(struct mbox *m, const char **data_r, size_t *n_r, struct err *e)
{
	consume(m, m->given);
	m->given = 0;
	if (!m->in_message)
		return 0;
	for (;;) {
		size_t n, skip = 0;

		if (peek(m, &n, e) < 0)
			return -1;
		const char *line = m->buffer + m->start;

		if (n == 0 || (m->at_line_start && mbox_is_from_line(line, n))) {
			m->in_message = false;
			m->held_n = 0;
			return 0;
		}
		if (give_held(m, data_r, n_r))
			return 1;
		if (m->at_line_start && is_empty_line(line, n)) {
			memcpy(m->held, line, n);
			m->held_n = n;
			consume(m, n);
			continue;
		}
		if (m->unquote && m->at_line_start && is_quoted(line, n))
			skip = 1;
		if (line[n - 1] == '\n')
			n = extend(m, n);
		m->given = n;
		*data_r = line + skip;
		*n_r = n - skip;
		return 1;
	}
}

static int pass_over(struct mbox *m, struct err *e)
{
	const char *data;
	size_t n;
	int rc;

	while ((rc = mbox_read(m, &data, &n, e)) > 0)
		;
	return rc;
}

int mbox_next(struct mbox *m, struct mbox_message *message_r, struct err *e)
{
	size_t n;

	if (pass_over(m, e) < 0 || peek(m, &n, e) < 0)
		return -1;
	if (n == 0)
		return 0;
	if (!m->begun && !begins_with_from(m->buffer + m->start, n))
		return err_permanent(e, "is no mailbox: it does not begin with a From_ line");
	m->begun = true;
	m->in_message = true;
	message_r->offset = m->offset;
	read_sender(m->buffer + m->start, n, message_r->sender);
	consume(m, n);
	return 1;
}
