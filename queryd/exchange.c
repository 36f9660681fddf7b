#include "queryd/exchange.h"

#include "base/clock.h"
#include "queryd/audit.h"
#include "queryd/call.h"
#include "queryd/metrics.h"
#include "queryd/route.h"
#include "queryd/tls.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SIZE (64u * 1024)
#define DISCARD_MAX (8u * 1024 * 1024) /* of a body that is too large: so much is read to be able to answer */

struct exchange {
	struct request request;
	struct call call;
	int64_t begun_us;
	bool head_done;
	struct connections *connections; /* and which of these, once it is answered: */
	struct connection *connection;
	uint64_t discarded;
	uint64_t given; /* bytes of the content that were handed over */
};

static struct connection *connection_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

void exchange_connection(void *host, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct exchange_host *h = host;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = connection_opened(h->connections,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else
		connection_closed(h->connections, *context);
}

size_t exchange_unescape(void *host, struct MHD_Connection *connection, char *text)
{
	(void)host, (void)connection;
	return strlen(text);
}

static void take_certificate(struct request *r, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	r->certified = info && tls_client_certified(info->tls_session, r->certificate);
}

void *exchange_begin(void *host, const char *target, struct MHD_Connection *connection)
{
	const struct exchange_host *h = host;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct exchange *x = MEM_NEW(struct exchange);
	struct sockaddr_storage peer = { 0 };
	char client[NET_NAME_SIZE];

	if (info && info->client_addr)
		memcpy(&peer, info->client_addr,
			info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	request_init(&x->request, target ? target : "", net_peer_name(client, &peer));
	if (h->certificates)
		take_certificate(&x->request, connection);
	x->call.service = h->service;
	x->call.request = &x->request;
	x->begun_us = clock_monotonic_us();
	queryd_metrics_begin();
	return x;
}

/* ---- the response ---- */

static const struct {
	const char *name, *value;
} standing_headers[] = {
	{ "Strict-Transport-Security", "max-age=31536000" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Cache-Control", "no-store" },
	{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
};

static ssize_t read_content(struct exchange *x, uint64_t at, char *to, size_t max)
{
	const struct response *r = &x->call.response;

	if (r->stream)
		return r->stream->read(r->stream, to, max);
	memcpy(to, message_bytes(r->content) + at, max);
	return (ssize_t)max;
}

/* MHD_ContentReaderCallback. The audit's outcome is durable before the last block is handed over. */
static ssize_t read_block(void *ctx, uint64_t at, char *to, size_t max)
{
	struct exchange *x = ctx;
	uint64_t left = x->call.response.length - at;
	ssize_t n = read_content(x, at, to, left < max ? (size_t)left : max);

	if (n < 0 || ((uint64_t)n == left && audit_outcome(&x->call) < 0))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	x->given = at + (uint64_t)n;
	return n;
}

/* The same of what has no length. What is given out takes its time, as what has one does. */
static ssize_t read_endless(void *ctx, uint64_t at, char *to, size_t max)
{
	struct exchange *x = ctx;
	struct response *r = &x->call.response;

	if (r->stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	ssize_t n = r->stream->read(r->stream, to, max);

	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (r->stream->ended) {
		r->count = r->stream->count;
		memcpy(r->digest, r->stream->digest, sizeof(r->digest));
		if (audit_outcome(&x->call) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	x->given = at + (uint64_t)n;
	connection_given(x->connections, x->connection, (uint64_t)n);
	return n;
}

/* The library's response; the body of ours becomes its. */
static struct MHD_Response *make(struct exchange *x)
{
	struct response *r = &x->call.response;
	char *body = r->body;

	if (r->endless)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_endless, x, NULL);
	if (response_is_long(r) && r->length)
		return MHD_create_response_from_callback(r->length, BLOCK_SIZE, read_block, x, NULL);
	r->body = NULL;
	return MHD_create_response_from_buffer(r->length, body ? body : mem_alloc(1, 1), MHD_RESPMEM_MUST_FREE);
}

static void add_headers(struct MHD_Response *m, const struct exchange *x, bool close)
{
	const struct response *r = &x->call.response;

	for (size_t i = 0; i < ARRAY_LEN(standing_headers); i++)
		MHD_add_response_header(m, standing_headers[i].name, standing_headers[i].value);
	for (size_t i = 0; i < r->header_count; i++)
		MHD_add_response_header(m, r->headers[i].name, r->headers[i].value);
	if (r->content_type)
		MHD_add_response_header(m, "Content-Type", r->content_type);
	MHD_add_response_header(m, "X-Request-ID", x->request.id);
	if (close)
		MHD_add_response_header(m, "Connection", "close");
}

static enum MHD_Result respond(const struct exchange_host *h, struct MHD_Connection *connection, struct exchange *x)
{
	struct call *c = &x->call;

	/* Nothing is read of an empty message: its outcome goes first, as that of everything but content. */
	if (response_is_long(&c->response) && !c->response.endless && !c->response.length && audit_outcome(c) < 0)
		response_unavailable(&c->response, "The audit record can't be written; nothing is shown without it.");
	x->connections = h->connections;
	x->connection = connection_of(connection);
	struct MHD_Response *m = make(x);

	if (!m)
		return MHD_NO;
	add_headers(m, x, c->response.close || connections_draining(h->connections));
	connection_answering(x->connections, x->connection, c->response.length);
	enum MHD_Result queued = MHD_queue_response(connection, c->response.status, m);

	MHD_destroy_response(m);
	return queued;
}

static enum MHD_Result refuse(const struct exchange_host *h, struct MHD_Connection *connection, struct exchange *x,
	unsigned status, const char *why)
{
	response_problem(&x->call.response, status, "%s", why);
	x->call.response.close = true;
	return respond(h, connection, x);
}

/* ---- the request ---- */

static enum MHD_Result take_field(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	request_header(ctx, name, value ? value : "");
	return MHD_YES;
}

/* Most clients listen only when they have sent all, and then to nothing when they are hung up on: a body that is too large is
 * read, as long as it ends soon, unless its sender waits to be told (RFC 9110, 10.1.1). */
static bool is_read_on(struct MHD_Connection *connection, const struct request *r)
{
	return r->declared <= DISCARD_MAX && !MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect");
}

/* Who may not send a large body is told so before it comes. */
static enum MHD_Result take_route(const struct exchange_host *h, struct MHD_Connection *connection, struct exchange *x)
{
	const char *why = "";
	size_t max;

	if (!route_begin(&x->call, &max)) {
		x->call.response.close = true;
		return respond(h, connection, x);
	}
	unsigned refused = request_expect(&x->request, max, &why);

	if (refused)
		return is_read_on(connection, &x->request) ? MHD_YES : refuse(h, connection, x, refused, why);
	if (max > REQUEST_BODY_MAX)
		connection_receiving(h->connections, connection_of(connection));
	return MHD_YES;
}

static enum MHD_Result take_head(const struct exchange_host *h, struct MHD_Connection *connection, struct exchange *x,
	const char *method, const char *version)
{
	const char *why = "";

	MHD_get_connection_values(connection, MHD_HEADER_KIND, take_field, &x->request);
	size_t size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
	unsigned refused = request_head_end(&x->request, method, version, size, &why);

	x->head_done = true;
	log_context_set(&x->call.log, "request_id", x->request.id);
	log_context_set(&x->call.log, "client", x->request.client);
	if (!refused && h->certificates && !x->request.certified) {
		refused = 403;
		why = "This address is for clients that show a certificate of an authority that is known here.";
	}
	return refused ? refuse(h, connection, x, refused, why) : take_route(h, connection, x);
}

/* The library takes no response while a body is coming in: one that is too large is read on, up to a limit. */
static enum MHD_Result take_body(const struct exchange_host *h, struct MHD_Connection *connection, struct exchange *x,
	const char *data, size_t *size)
{
	const char *why;

	if (x->call.admitted)
		connection_received(h->connections, connection_of(connection), *size);
	if (request_body(&x->request, data, *size, &why))
		x->discarded += *size;
	*size = 0;
	return x->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result exchange_handle(void *host, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **exchange)
{
	const struct exchange_host *h = host;
	struct exchange *x = *exchange;

	(void)url;
	if (!x->head_done)
		return take_head(h, connection, x, method, version);
	if (*size)
		return take_body(h, connection, x, data, size);
	if (x->request.refused)
		return refuse(h, connection, x, x->request.refused, x->request.why);
	connection_busy(h->connections, connection_of(connection));
	const struct log_context *before = log_context_use(&x->call.log);

	route_dispatch(&x->call);
	log_context_use(before);
	return respond(h, connection, x);
}

static void log_end(const struct exchange *x, enum MHD_RequestTerminationCode code)
{
	const struct call *c = &x->call;
	const char *end = code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : " (cut off)";
	int64_t ms = (clock_monotonic_us() - x->begun_us) / 1000;

	if (x->head_done)
		log_info(&c->log, "%s %s: %u, %" PRIu64 " bytes, %" PRId64 " ms%s", request_method_name(x->request.method),
			c->route ? c->route->pattern : "(no route)", c->response.status,
			c->response.endless ? x->given : (uint64_t)c->response.length, ms,
			end);
	else
		log_info(&c->log, "a request head that can't be read%s", end);
}

void exchange_end(void *host, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code)
{
	const struct exchange_host *h = host;
	struct exchange *x = *exchange;

	if (!x)
		return;
	audit_cut_off(&x->call, x->given);
	log_end(x, code);
	queryd_metrics_end(&x->call, clock_monotonic_us() - x->begun_us);
	if (x->call.held)
		service_release(h->service, x->call.held);
	if (x->call.account.username)
		account_deinit(&x->call.account);
	session_deinit(&x->call.session);
	response_deinit(&x->call.response);
	request_deinit(&x->request);
	free(x);
	*exchange = NULL;
	connection_idle(h->connections, connection_of(connection));
}
