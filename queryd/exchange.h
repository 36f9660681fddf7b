/* exchange: one request and its response as libmicrohttpd hands them over: its callbacks, and nothing else that knows
 * it beside server.c. An exchange begins with the request line and ends when the response is sent or the connection is
 * lost. */
#ifndef QUERYD_EXCHANGE_H
#define QUERYD_EXCHANGE_H

#include "queryd/connections.h"
#include "queryd/service.h"

#include <microhttpd.h>

/* What the callbacks get as their closure. */
struct exchange_host {
	struct service *service;
	struct connections *connections;
	bool certificates; /* the listener asks clients for one, and serves nobody without */
};

/* MHD_OPTION_URI_LOG_CALLBACK: begins an exchange with the undecoded target. */
void *exchange_begin(void *host, const char *target, struct MHD_Connection *connection);

/* The access handler. */
enum MHD_Result exchange_handle(void *host, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *data, size_t *size, void **exchange);

/* MHD_OPTION_NOTIFY_COMPLETED */
void exchange_end(void *host, struct MHD_Connection *connection, void **exchange, enum MHD_RequestTerminationCode code);

/* MHD_OPTION_NOTIFY_CONNECTION */
void exchange_connection(void *host, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code);

/* MHD_OPTION_UNESCAPE_CALLBACK: leaves the target alone: queryd/path.h decodes it. */
size_t exchange_unescape(void *host, struct MHD_Connection *connection, char *text);

#endif
