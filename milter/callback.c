#include "milter/callback.h"

#include "base/clock.h"
#include "milter/progress.h"
#include "milter/transaction.h"
#include "milter/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 511
#define PROGRESS_INTERVAL (10 * CLOCK_SECOND)

/* MAIL and RCPT are always answered: they can be refused. */
#define UNANSWERED \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

/* libmilter hands its callbacks nothing but the connection. Set before it starts. */
static struct server *server;
static bool answer_all;
static atomic_bool gave_up;

/* A connection of the mail server, which stands for one client of it. */
struct session {
	struct transaction transaction;
	char *client, *helo, *auth, *tls;
	char id[UUID_TEXT_SIZE];
	bool leading_space; /* header values come with what follows the colon */
	struct log_context log;
};

/* ---- answers ---- */

static sfsistat answer(SMFICTX *ctx, enum intake_outcome outcome)
{
	static const sfsistat codes[] = {
		[ACTION_CONTINUE] = SMFIS_CONTINUE,
		[ACTION_ACCEPT] = SMFIS_ACCEPT,
		[ACTION_TEMPFAIL] = SMFIS_TEMPFAIL,
		[ACTION_REJECT] = SMFIS_REJECT,
	};
	const struct verdict_reply *r = verdict_reply(outcome);

	if (r->code && smfi_setreply(ctx, (char *)r->code, (char *)r->enhanced, (char *)r->text) != MI_SUCCESS)
		log_warn(NULL, "smfi_setreply(%s) failed: the mail server chooses the words", r->code);
	return codes[r->action];
}

/* To a step that is never refused. */
static sfsistat go_on(void)
{
	return answer_all ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

/* ---- the session ---- */

static void replace(char **field, const char *value)
{
	free(*field);
	*field = value && *value ? mem_strdup(value) : NULL;
}

static struct session *session_of(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);
	struct uuid id;

	if (s)
		return s;
	s = MEM_NEW(struct session);
	s->leading_space = true;
	id = uuid_new(clock_now_us());
	log_context_set(&s->log, "session", uuid_format(s->id, &id));
	if (smfi_setpriv(ctx, s) != MI_SUCCESS)
		log_fatal(&s->log, "smfi_setpriv() failed");
	return s;
}

static void session_free(struct session *s)
{
	transaction_end(&s->transaction);
	free(s->client);
	free(s->helo);
	free(s->auth);
	free(s->tls);
	free(s);
}

static const char *macro(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)name);
}

/* Both are told with MAIL: a client may have signed in or begun TLS since the last message. */
static void learn_security(struct session *s, SMFICTX *ctx)
{
	const char *version = macro(ctx, "{tls_version}"), *cipher = macro(ctx, "{cipher}");
	_free_ char *tls = version ? mem_printf("%s %s", version, cipher ? cipher : "") : NULL;

	replace(&s->tls, tls);
	replace(&s->auth, macro(ctx, "{auth_authen}"));
}

/* ---- callbacks, in the order of a session ---- */

static void request_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} wanted[] = {
		{ SMFIM_ENVFROM, "i {auth_authen} {tls_version} {cipher}" },
		{ SMFIM_ENVRCPT, "i" },
		{ SMFIM_DATA, "i" },
		{ SMFIM_EOM, "i" },
	};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (smfi_setsymlist(ctx, wanted[i].stage, (char *)wanted[i].names) != MI_SUCCESS)
			log_warn(NULL, "smfi_setsymlist(%s) failed: the mail server chooses the macros", wanted[i].names);
}

/* Of the actions none but choosing macros: the message is never changed. Of the protocol: recipients that were refused
 * (SMFIP_RCPT_REJ) are not asked for. */
static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long unused_a,
	unsigned long unused_b, unsigned long *actions_r, unsigned long *protocol_r, unsigned long *unused_a_r,
	unsigned long *unused_b_r)
{
	unsigned long wanted = SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC | (answer_all ? 0 : UNANSWERED);
	struct session *s = session_of(ctx);

	(void)unused_a;
	(void)unused_b;
	s->leading_space = protocol & SMFIP_HDR_LEADSPC;
	if (!s->leading_space)
		log_warn(&s->log, "the mail server hides the white space behind the colon of header fields: one blank is put there");
	if (actions & SMFIF_SETSYMLIST)
		request_macros(ctx);
	*actions_r = actions & SMFIF_SETSYMLIST;
	*protocol_r = protocol & wanted;
	*unused_a_r = *unused_b_r = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	struct session *s = session_of(ctx);
	struct sockaddr_storage peer = { 0 };
	char name[NET_NAME_SIZE];

	if (address) {
		memcpy(&peer, address, address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
			: address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(address->sa_family));
		host = net_peer_name(name, &peer);
	}
	replace(&s->client, host);
	log_context_set(&s->log, "client", host);
	return go_on();
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	replace(&session_of(ctx)->helo, name);
	return go_on();
}

static sfsistat on_mail(SMFICTX *ctx, char **path_and_args)
{
	struct session *s = session_of(ctx);

	transaction_end(&s->transaction);
	learn_security(s, ctx);
	enum intake_outcome outcome = transaction_begin(&s->transaction, server, path_and_args, &s->log);

	if (outcome == INTAKE_OPEN)
		transaction_set_queue_id(&s->transaction, macro(ctx, "i"));
	else
		log_warn(&s->log, "refused at MAIL: %s", verdict_reply(outcome)->text);
	return answer(ctx, outcome);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **path_and_args)
{
	struct session *s = session_of(ctx);
	enum intake_outcome outcome = transaction_add_recipient(&s->transaction, path_and_args);

	if (outcome != INTAKE_OPEN)
		log_warn(&s->transaction.intake.log, "recipient refused: %s", verdict_reply(outcome)->text);
	return answer(ctx, outcome);
}

/* Asked for even where it is of no use: the macros of this step are sent at any rate, and over TCP a packet of macros that
 * nobody answers is one that the next waits for. */
static sfsistat on_data(SMFICTX *ctx)
{
	transaction_set_queue_id(&session_of(ctx)->transaction, macro(ctx, "i"));
	return go_on();
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = session_of(ctx);

	transaction_header(&s->transaction, name, value, s->leading_space);
	return go_on();
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
	transaction_end_of_header(&session_of(ctx)->transaction);
	return go_on();
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
	transaction_body(&session_of(ctx)->transaction, data, n);
	return go_on();
}

/* From the thread of progress.c. smfi_progress() only writes a packet, and the callback whose session this is writes
 * nothing as long as it waits for the archive. */
static void tell_progress(void *ctx)
{
	if (smfi_progress(ctx) != MI_SUCCESS)
		log_debug(NULL, "smfi_progress() failed: the mail server has gone");
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
	struct session *s = session_of(ctx);
	const struct intake_peer peer = { s->client, s->helo, s->auth, s->tls, s->id };
	struct progress_wait wait = { 0 };

	transaction_set_queue_id(&s->transaction, macro(ctx, "i"));
	progress_enter(&wait, tell_progress, ctx);
	enum intake_outcome outcome = transaction_finish(&s->transaction, &peer);

	progress_leave(&wait);
	transaction_end(&s->transaction);
	return answer(ctx, outcome);
}

static sfsistat on_abort(SMFICTX *ctx)
{
	transaction_end(&session_of(ctx)->transaction);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s)
		session_free(s);
	if (smfi_setpriv(ctx, NULL) != MI_SUCCESS)
		log_warn(NULL, "smfi_setpriv() failed");
	return SMFIS_CONTINUE;
}

/* ---- libmilter itself ---- */

static void *run(void *unused)
{
	(void)unused;
	smfi_main();
	atomic_store(&gave_up, true);
	kill(getpid(), SIGTERM);
	return NULL;
}

/* By descriptor ("fd:", Debian's libmilter): the socket was opened with what rights that takes, or by systemd. */
static int hand_over(const struct net_listener *listener, struct err *e)
{
	int fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 3);
	char address[24];

	if (fd < 0)
		return err_errno(e, "fcntl", listener->address);
	snprintf(address, sizeof(address), "fd:%d", fd);
	if (smfi_setconn(address) != MI_SUCCESS || smfi_setbacklog(BACKLOG) != MI_SUCCESS)
		return err_temporary(e, "smfi_setconn(%s) failed", listener->address);
	return 0;
}

static int register_callbacks(struct err *e)
{
	static char name[] = "strongroom-milter";
	const struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_end_of_header,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	if (smfi_register(description) != MI_SUCCESS)
		return err_permanent(e, "smfi_register() failed: another version of libmilter");
	return 0;
}

int callback_start(struct server *shared, const struct net_listener *listener, struct err *e)
{
	pthread_t thread;

	server = shared;
	answer_all = !listener->is_unix;
	if (register_callbacks(e) || hand_over(listener, e) || progress_start(PROGRESS_INTERVAL, e))
		return -1;
	smfi_settimeout((int)(shared->door.conf->milter_timeout_us / CLOCK_SECOND));
	errno = pthread_create(&thread, NULL, run, NULL);
	if (errno)
		return err_errno(e, "pthread_create", "libmilter");
	pthread_detach(thread);
	return 0;
}

bool callback_gave_up(void)
{
	return atomic_load(&gave_up);
}
