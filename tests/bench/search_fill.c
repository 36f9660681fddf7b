/* search_fill: fills the index and the database of a site with made-up mail, without messages, for tests/bench/search-http.
 *
 *	search_fill DOCUMENTS CONF
 *	search_fill -m NUMBER
 *
 * As `strongroom init` left them; the rows are those of a capture, but the ledger's records are empty. With -m tells whose mail
 * the investigator of that number may see: up to twelve custodians, most of them of those who have much mail. */
#include "made_mail.h"

#include "meta/capture.h"

static void must(int rc, const struct err *e)
{
	if (rc)
		die("search_fill", e->text);
}

static void add_row(struct meta_capture *t, const struct made *m)
{
	static const uint8_t nothing[SHA256_SIZE];
	struct participant people[8];
	size_t n = 0;
	char empty[] = "", point[] = "lmtp", evidence[] = "{}";
	struct attachment attachment = { m->strings[4], (char[]){ "application/pdf" }, 12345, { 0 } };
	struct err e;

	for (; n < m->people.n && n < ARRAY_LEN(people); n++)
		people[n] = (struct participant){ n ? ROLE_TO : ROLE_FROM, empty, m->people.items[n], m->people.items[n] };
	struct message_row row = {
		.id = m->doc.id, .received_us = m->doc.date_us, .date_us = m->doc.date_us, .header_date_us = m->doc.date_us,
		.size = m->doc.size, .kind = CAPTURE_LMTP, .capture_point = point, .subject = m->strings[2],
		.message_id = m->strings[5], .queue_id = empty, .evidence = evidence,
		.locator = { .bucket = empty, .key = (char[]){ "m/none.eml" }, .version = empty, .length = m->doc.size },
		.lock_mode = (char[]){ "file" }, .policy_version = empty, .participants = people, .participant_count = n,
		.attachments = &attachment, .attachment_count = m->doc.has_attachment,
	};

	must(meta_capture_insert(t, &row, nothing, "", 0, nothing, &e), &e);
}

/* A batch is what a group of captures would be. */
static void add_rows(void *ctx, const struct made *mails, unsigned n)
{
	struct meta_claim claims[BATCH];
	uint8_t keys[BATCH][SHA256_SIZE] = { 0 }, leaves[BATCH * SHA256_SIZE] = { 0 };
	struct uuid ids[BATCH];
	struct meta_capture *t;
	static uint64_t seq;
	struct err e;

	for (unsigned i = 0; i < n; i++) {
		ids[i] = mails[i].doc.id;
		memcpy(keys[i], ids[i].bytes, UUID_SIZE);
		claims[i] = (struct meta_claim){ .key = keys[i], .id = ids[i], .now_us = mails[i].doc.date_us };
	}
	must(meta_capture_begin(ctx, &t, &e) || meta_capture_claim(t, claims, n, &e), &e);
	for (unsigned i = 0; i < n; i++)
		add_row(t, &mails[i]);
	must(meta_capture_batch(t, "search_fill", seq + 1, n, leaves, clock_now_us(), &e) ||
		meta_capture_indexed(t, ids, n, &e) || meta_capture_commit(&t, &e), &e);
	seq += n;
}

static void print_mailboxes(unsigned number)
{
	struct strv list = { 0 };

	seed *= 2 * number + 1;
	for (unsigned i = 0; i <= number % 12; i++) {
		_free_ char *address = mailbox(random_mailbox());

		strv_add_unique(&list, address);
	}
	for (size_t i = 0; i < list.n; i++)
		puts(list.items[i]);
	strv_deinit(&list);
}

static void fill_all(unsigned total, const char *path)
{
	struct meta *meta = NULL;
	struct conf conf;
	struct err e;

	must(conf_load(&conf, path, &e) || meta_open(&meta, &conf, &e), &e);
	fill(&conf, total, add_rows, meta);
	meta_closep(&meta);
	conf_deinit(&conf);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		die("search_fill", "usage: search_fill DOCUMENTS CONF | search_fill -m NUMBER");
	make_words();
	if (strcmp(argv[1], "-m") == 0)
		print_mailboxes((unsigned)strtoul(argv[2], NULL, 10));
	else
		fill_all((unsigned)strtoul(argv[1], NULL, 10), argv[2]);
	return 0;
}
