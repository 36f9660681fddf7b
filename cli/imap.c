#include "cli/imap.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/imap_stream.h"
#include "cli/progress.h"

#include <libetpan/libetpan.h>
#include <openssl/evp.h>
#include <string.h>
#include <unicode/ucnv.h>

#define ANSWER_MAX (UINT64_C(16) << 20) /* bytes of an answer that is no message */
#define IDLE_US (300 * CLOCK_SECOND)	/* servers end it after 30 minutes, firewalls sooner */
#define POLL_US (60 * CLOCK_SECOND)	/* where there is no IDLE */
#define NAME_MAX_UTF7 2048

struct imap {
	const struct imap_url *url;
	mailimap *session;
	struct imap_stream *stream; /* beneath the session, which frees it */
	char *tls;
	bool idle, removes;
	bool broken; /* nothing more can be asked */
	uint32_t exists; /* messages in the folder when it was opened */
};

/* ---- failures ---- */

/* What the server said, without line ends. */
static char *answer(struct imap *i)
{
	char *text = mem_strdup(i->session->imap_response ? i->session->imap_response : "");

	text[strcspn(text, "\r\n")] = '\0';
	return text;
}

static const char *reason(const struct imap *i, int code, const char *said)
{
	const char *failure = imap_stream_failure(i->stream);

	if (*failure)
		return failure;
	if (code == MAILIMAP_ERROR_PARSE || code == MAILIMAP_ERROR_PROTOCOL)
		return "the server's answer makes no sense";
	return *said ? said : "the server refuses";
}

/* The server said no, and no connection broke. */
static bool refused(const struct imap *i, int code)
{
	return !*imap_stream_failure(i->stream) && code != MAILIMAP_ERROR_STREAM && code != MAILIMAP_ERROR_PARSE &&
		code != MAILIMAP_ERROR_MEMORY;
}

static int fail(struct imap *i, const char *op, int code, struct err *e)
{
	_free_ char *said = answer(i);

	i->broken = i->broken || !refused(i, code);
	return err_temporary(e, "%s(%s) failed: %s", op, i->url->host, reason(i, code, said));
}

static int fail_for_good(struct imap *i, const char *op, int code, struct err *e)
{
	fail(i, op, code, e);
	if (refused(i, code))
		e->class = ERR_PERMANENT;
	return -1;
}

/* ---- connecting ---- */

static int start_tls(struct imap *i, mailstream *m, struct tls_context *tls, struct err *e)
{
	if (!mailimap_has_extension(i->session, (char[]){ "STARTTLS" }))
		return err_permanent(e, "STARTTLS(%s) failed: the server does not offer it, and without TLS everybody could read "
			"along", i->url->host);
	int code = mailimap_starttls(i->session);

	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "STARTTLS", code, e);
	return imap_stream_start_tls(i->stream, m, i->url, tls, e);
}

static int ask_capabilities(struct imap *i, struct err *e)
{
	struct mailimap_capability_data *data = NULL;
	int code = mailimap_capability(i->session, &data);

	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "CAPABILITY", code, e);
	mailimap_capability_data_free(data);
	return 0;
}

static int greet(struct imap *i, mailstream *m, struct tls_context *tls, struct err *e)
{
	bool plain = !i->url->tls && imap_stream_is_local(i->stream);
	int code = mailimap_connect(i->session, m);

	if (code == MAILIMAP_NO_ERROR_AUTHENTICATED && !i->url->tls && !plain)
		return err_permanent(e, "connect(%s) failed: the server asks for no sign-in, and so allows no TLS", i->url->host);
	if (code != MAILIMAP_NO_ERROR_AUTHENTICATED && code != MAILIMAP_NO_ERROR_NON_AUTHENTICATED)
		return fail(i, "connect", code, e);
	if (ask_capabilities(i, e) < 0)
		return -1;
	if (i->url->tls || plain)
		return 0;
	return start_tls(i, m, tls, e) < 0 ? -1 : ask_capabilities(i, e);
}

/* ---- signing in ---- */

static char *base64(const char *text)
{
	size_t n = strlen(text);
	unsigned char *out = mem_alloc(4 * ((n + 2) / 3) + 1, 1);

	EVP_EncodeBlock(out, (const unsigned char *)text, (int)n);
	return (char *)out;
}

/* RFC 7628: a refusal comes as a challenge, whose answer is ^A. */
static int oauthbearer(struct imap *i, const char *token)
{
	_free_ char *text = mem_printf("n,a=%s,\1host=%s\1port=%s\1auth=Bearer %s\1\1", i->url->user, i->url->host,
		i->url->port, token);
	_free_ char *coded = base64(text);
	_free_ char *command = mem_printf("AUTHENTICATE OAUTHBEARER %s", coded);

	imap_stream_answer(i->stream, "AQ==\r\n");
	int code = mailimap_custom_command(i->session, command);

	imap_stream_answer(i->stream, NULL);
	if (code == MAILIMAP_NO_ERROR)
		i->session->imap_state = MAILIMAP_STATE_AUTHENTICATED;
	explicit_bzero(text, strlen(text));
	explicit_bzero(coded, strlen(coded));
	explicit_bzero(command, strlen(command));
	return code;
}

static bool offers(struct imap *i, const char *mechanism)
{
	return mailimap_has_authentication(i->session, mechanism);
}

static int sign_in(struct imap *i, enum imap_secret kind, const char *secret, struct err *e)
{
	int code;

	if (i->session->imap_state != MAILIMAP_STATE_NON_AUTHENTICATED)
		return 0;
	if (kind == IMAP_PASSWORD)
		code = mailimap_login(i->session, i->url->user, secret);
	else if (offers(i, "XOAUTH2") || !offers(i, "OAUTHBEARER"))
		code = mailimap_oauth2_authenticate(i->session, i->url->user, secret);
	else
		code = oauthbearer(i, secret);
	if (code == MAILIMAP_NO_ERROR)
		return 0;
	return fail_for_good(i, kind == IMAP_PASSWORD ? "sign-in" : "sign-in with the token", code, e);
}

int imap_open(struct imap **i_r, const struct imap_url *u, struct tls_context *tls, enum imap_secret kind, const char *secret,
	struct err *e)
{
	struct imap *i CLEANUP(imap_closep) = MEM_NEW(struct imap);
	mailstream *m;

	i->url = u;
	i->session = mailimap_new(0, NULL);
	if (!i->session)
		return err_temporary(e, "mailimap_new() failed");
	if (imap_stream_open(&i->stream, &m, u, tls, e) < 0)
		return -1;
	imap_stream_expect(i->stream, ANSWER_MAX);
	i->session->imap_stream = m; /* from here on its to close */
	if (greet(i, m, tls, e) < 0)
		return -1;
	i->tls = imap_stream_describe(i->stream);
	if (sign_in(i, kind, secret, e) < 0 || ask_capabilities(i, e) < 0)
		return -1;
	i->idle = mailimap_has_idle(i->session);
	i->removes = mailimap_has_uidplus(i->session);
	*i_r = i;
	i = NULL;
	return 0;
}

/* Says goodbye only where the connection is sound: it would wait for an answer. */
void imap_closep(struct imap **i)
{
	if (!*i)
		return;
	if ((*i)->session && (*i)->session->imap_stream && (*i)->broken) {
		mailstream_close((*i)->session->imap_stream);
		(*i)->session->imap_stream = NULL;
	}
	if ((*i)->session)
		mailimap_free((*i)->session);
	free((*i)->tls);
	free(*i);
	*i = NULL;
}

const char *imap_tls(const struct imap *i)
{
	return i->tls;
}

bool imap_removes(const struct imap *i)
{
	return i->removes;
}

/* ---- folders: their names go over the wire in a UTF-7 of IMAP's own ---- */

static char *convert(const char *to, const char *from, const char *text)
{
	char out[NAME_MAX_UTF7];
	UErrorCode failed = U_ZERO_ERROR;
	int32_t n = ucnv_convert(to, from, out, sizeof(out) - 1, text, -1, &failed);

	return U_FAILURE(failed) || n < 0 ? mem_strdup(text) : mem_dup(out, (size_t)n);
}

static char *to_wire(const char *name)
{
	return str_ascii_run(name, strlen(name)) == strlen(name) && !strchr(name, '&') ? mem_strdup(name) :
		convert("IMAP-mailbox-name", "UTF-8", name);
}

static bool can_be_opened(const struct mailimap_mailbox_list *l)
{
	return !l->mb_flag || l->mb_flag->mbf_type != MAILIMAP_MBX_LIST_FLAGS_SFLAG ||
		l->mb_flag->mbf_sflag != MAILIMAP_MBX_LIST_SFLAG_NOSELECT;
}

int imap_list(struct imap *i, const char *pattern, struct strv *folders, struct err *e)
{
	_free_ char *wire = to_wire(pattern);
	clist *list = NULL;

	imap_stream_expect(i->stream, ANSWER_MAX);
	int code = mailimap_list(i->session, "", wire, &list);

	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "LIST", code, e);
	for (clistiter *at = clist_begin(list); at; at = clist_next(at)) {
		const struct mailimap_mailbox_list *l = clist_content(at);
		_free_ char *name = convert("UTF-8", "IMAP-mailbox-name", l->mb_name);

		if (can_be_opened(l))
			strv_add_unique(folders, name);
	}
	mailimap_list_result_free(list);
	strv_sort(folders);
	return 0;
}

int imap_select(struct imap *i, const char *folder, uint32_t *uidvalidity_r, struct err *e)
{
	_free_ char *wire = to_wire(folder);

	imap_stream_expect(i->stream, ANSWER_MAX);
	int code = mailimap_select(i->session, wire);

	if (code != MAILIMAP_NO_ERROR)
		return fail_for_good(i, "SELECT", code, e);
	i->exists = i->session->imap_selection_info->sel_exists;
	*uidvalidity_r = i->session->imap_selection_info->sel_uidvalidity;
	return *uidvalidity_r ? 0 : err_permanent(e, "SELECT(%s) failed: the server has no UIDVALIDITY for %s", i->url->host,
		folder);
}

/* ---- which messages there are: by their numbers, since UIDs have gaps of any size ---- */

/* 0 when the server told none. */
static uint32_t uid_of(const struct mailimap_msg_att *att)
{
	for (clistiter *at = clist_begin(att->att_list); at; at = clist_next(at)) {
		const struct mailimap_msg_att_item *item = clist_content(at);

		if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC && item->att_data.att_static->att_type == MAILIMAP_MSG_ATT_UID)
			return item->att_data.att_static->att_data.att_uid;
	}
	return 0;
}

/* The UIDs of the messages number first to last, rising. */
static int fetch_uids(struct imap *i, uint32_t first, uint32_t last, uint32_t *uids_r, size_t *n_r, struct err *e)
{
	struct mailimap_set *set = mailimap_set_new_interval(first, last);
	struct mailimap_fetch_type *what = mailimap_fetch_type_new_fetch_att(mailimap_fetch_att_new_uid());
	clist *list = NULL;

	imap_stream_expect(i->stream, ANSWER_MAX);
	int code = mailimap_fetch(i->session, set, what, &list);

	mailimap_set_free(set);
	mailimap_fetch_type_free(what);
	*n_r = 0;
	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "FETCH", code, e);
	for (clistiter *at = clist_begin(list); at && *n_r <= last - first; at = clist_next(at)) {
		uint32_t uid = uid_of(clist_content(at));

		if (uid && (!*n_r || uid > uids_r[*n_r - 1]))
			uids_r[(*n_r)++] = uid;
	}
	mailimap_fetch_list_free(list);
	return 0;
}

static int fetch_uid(struct imap *i, uint32_t number, uint32_t *uid_r, struct err *e)
{
	size_t n;

	if (fetch_uids(i, number, number, uid_r, &n, e) < 0)
		return -1;
	return n ? 0 : err_temporary(e, "FETCH(%s) failed: the folder changes meanwhile", i->url->host);
}

/* The number of the first message whose UID is greater than `after`; exists + 1 when there is none. */
static int find_first(struct imap *i, uint32_t after, uint32_t *number_r, struct err *e)
{
	uint32_t low = 1, high = i->exists + 1, uid;

	while (low < high) {
		uint32_t middle = low == 1 && high == i->exists + 1 ? 1 : low + (high - low) / 2; /* mostly it is the first */

		if (fetch_uid(i, middle, &uid, e) < 0)
			return -1;
		if (uid > after)
			high = middle;
		else
			low = middle + 1;
	}
	*number_r = low;
	return 0;
}

int imap_next(struct imap *i, uint32_t after, uint32_t *uids_r, size_t max, size_t *n_r, struct err *e)
{
	uint32_t first, last;

	*n_r = 0;
	if (find_first(i, after, &first, e) < 0)
		return -1;
	if (first > i->exists)
		return 0;
	last = i->exists - first < max ? i->exists : first + (uint32_t)max - 1;
	return fetch_uids(i, first, last, uids_r, n_r, e);
}

/* ---- one message ---- */

struct fetching {
	imap_sink *sink;
	void *ctx;
};

static bool take_body(int type, struct mailimap_msg_att_body_section *section, const char *data, size_t n, void *ctx)
{
	struct fetching *f = ctx;

	(void)type;
	(void)section;
	f->sink(f->ctx, data, n);
	return true;
}

/* How many bodies of this message came; one of another message would have been mixed into it. */
static size_t bodies(clist *list, uint32_t uid, bool *mixed_r)
{
	size_t n = 0;

	for (clistiter *at = clist_begin(list); at; at = clist_next(at)) {
		const struct mailimap_msg_att *att = clist_content(at);

		for (clistiter *k = clist_begin(att->att_list); k; k = clist_next(k)) {
			const struct mailimap_msg_att_item *item = clist_content(k);

			if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC ||
				item->att_data.att_static->att_type != MAILIMAP_MSG_ATT_BODY_SECTION)
				continue;
			*mixed_r = *mixed_r || uid_of(att) != uid;
			n++;
		}
	}
	return n;
}

int imap_fetch(struct imap *i, uint32_t uid, imap_sink *sink, void *ctx, struct err *e)
{
	struct fetching f = { sink, ctx };
	struct mailimap_set *set = mailimap_set_new_single(uid);
	struct mailimap_fetch_type *what = mailimap_fetch_type_new_fetch_att_list_empty();
	bool mixed = false;
	clist *list = NULL;

	mailimap_fetch_type_new_fetch_att_list_add(what, mailimap_fetch_att_new_uid());
	mailimap_fetch_type_new_fetch_att_list_add(what, mailimap_fetch_att_new_body_peek_section(mailimap_section_new(NULL)));
	mailimap_set_msg_body_handler(i->session, take_body, &f);
	imap_stream_expect(i->stream, UINT64_MAX);
	int code = mailimap_uid_fetch(i->session, set, what, &list);

	mailimap_set_msg_body_handler(i->session, NULL, NULL);
	mailimap_set_free(set);
	mailimap_fetch_type_free(what);
	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "UID FETCH", code, e);
	size_t n = bodies(list, uid, &mixed);

	mailimap_fetch_list_free(list);
	if (n > 1 || mixed)
		return err_temporary(e, "UID FETCH(%s) failed: the server answered with other messages", i->url->host);
	return n == 1;
}

/* ---- after archiving ---- */

static struct mailimap_set *set_of(const uint32_t *uids, size_t n)
{
	struct mailimap_set *set = mailimap_set_new_empty();

	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && uids[k] == uids[k - 1] + 1; k++)
			;
		mailimap_set_add_interval(set, uids[i], uids[k - 1]);
	}
	return set;
}

static int store_flag(struct imap *i, const uint32_t *uids, size_t n, struct mailimap_flag *flag, struct err *e)
{
	struct mailimap_flag_list *flags = mailimap_flag_list_new_empty();

	mailimap_flag_list_add(flags, flag);
	struct mailimap_store_att_flags *change = mailimap_store_att_flags_new_add_flags_silent(flags);
	struct mailimap_set *set = set_of(uids, n);

	imap_stream_expect(i->stream, ANSWER_MAX);
	int code = mailimap_uid_store(i->session, set, change);

	mailimap_set_free(set);
	mailimap_store_att_flags_free(change);
	return code == MAILIMAP_NO_ERROR ? 0 : fail_for_good(i, "UID STORE", code, e);
}

static struct mailimap_flag *flag_of(const char *text)
{
	if (str_ieq(text, "\\Seen"))
		return mailimap_flag_new_seen();
	if (str_ieq(text, "\\Flagged"))
		return mailimap_flag_new_flagged();
	if (str_ieq(text, "\\Answered"))
		return mailimap_flag_new_answered();
	return mailimap_flag_new_flag_keyword(mem_strdup(text));
}

int imap_flag(struct imap *i, const uint32_t *uids, size_t n, const char *flag, struct err *e)
{
	return n ? store_flag(i, uids, n, flag_of(flag), e) : 0;
}

int imap_delete(struct imap *i, const uint32_t *uids, size_t n, struct err *e)
{
	if (!n)
		return 0;
	if (store_flag(i, uids, n, mailimap_flag_new_deleted(), e) < 0)
		return -1;
	if (!i->removes)
		return 0;
	struct mailimap_set *set = set_of(uids, n);
	int code = mailimap_uid_expunge(i->session, set);

	mailimap_set_free(set);
	return code == MAILIMAP_NO_ERROR ? 0 : fail_for_good(i, "UID EXPUNGE", code, e);
}

/* ---- waiting ---- */

int imap_wait(struct imap *i, struct err *e)
{
	imap_stream_expect(i->stream, ANSWER_MAX);
	if (!i->idle) {
		imap_stream_wait(i->stream, i->session->imap_stream, POLL_US);
		return 0;
	}
	int code = mailimap_idle(i->session);

	if (code != MAILIMAP_NO_ERROR)
		return fail(i, "IDLE", code, e);
	imap_stream_wait(i->stream, i->session->imap_stream, IDLE_US);
	code = mailimap_idle_done(i->session);
	return code == MAILIMAP_NO_ERROR ? 0 : fail(i, "IDLE", code, e);
}
