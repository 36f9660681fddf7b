/* imap: a mailbox on a mail server, as an import reads and empties it. The only file that speaks IMAP, through libetpan.
 *
 * Of a message nothing is asked for but its UID and its bytes, which are handed on as they come: whatever somebody wrote
 * into it, libetpan has nothing of it to parse. After any failure the session is over: close it.
 *
 * Failures: temporary where another connection may do better; permanent where somebody must help: the certificate, the
 * sign-in, a folder that is not there. */
#ifndef CLI_IMAP_H
#define CLI_IMAP_H

#include "base/err.h"
#include "base/strv.h"
#include "cli/imap_url.h"

#include <stddef.h>
#include <stdint.h>

struct tls_context;
struct imap;

enum imap_secret { IMAP_PASSWORD, IMAP_TOKEN };

/* Connects, with TLS unless the server is this machine and the URL's scheme is imap, and signs in: with a password (LOGIN)
 * or an OAuth 2 token (XOAUTH2, or OAUTHBEARER where there is only that). */
int imap_open(struct imap **i_r, const struct imap_url *u, struct tls_context *tls, enum imap_secret kind, const char *secret,
	struct err *e) MUST_CHECK;
void imap_closep(struct imap **i);

/* "TLSv1.3 …", NULL without; a view. */
const char *imap_tls(const struct imap *i);

/* Adds the folders whose names match the pattern of the URL's folder ("Archive/%", "*"), sorted, in UTF-8. */
int imap_list(struct imap *i, const char *pattern, struct strv *folders, struct err *e) MUST_CHECK;

/* Opens a folder, again to see what is new. */
int imap_select(struct imap *i, const char *folder, uint32_t *uidvalidity_r, struct err *e) MUST_CHECK;

/* Of the folder as it was when it was opened: up to max UIDs greater than `after`, the smallest ones, rising. */
int imap_next(struct imap *i, uint32_t after, uint32_t *uids_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;

/* The bytes of a message. 1 when they were all given to sink; 0 when there is no such message any more; -1. */
typedef void imap_sink(void *ctx, const char *data, size_t n);
int imap_fetch(struct imap *i, uint32_t uid, imap_sink *sink, void *ctx, struct err *e) MUST_CHECK;

/* Sets a flag ("\\Seen", "$Archived") on these. */
int imap_flag(struct imap *i, const uint32_t *uids, size_t n, const char *flag, struct err *e) MUST_CHECK;

/* Removes exactly these. Where the server can't do so (it lacks UIDPLUS, and would remove with them what others marked as
 * deleted) they are only marked; imap_removes() tells. */
int imap_delete(struct imap *i, const uint32_t *uids, size_t n, struct err *e) MUST_CHECK;
bool imap_removes(const struct imap *i);

/* Waits until something has happened in the folder, as far as the server tells (IDLE), for a minute where it does not, or
 * until the program is to end. */
int imap_wait(struct imap *i, struct err *e) MUST_CHECK;

#endif
