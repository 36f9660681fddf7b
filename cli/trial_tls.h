/* trial_tls: a certificate to begin with: an authority of its own, whose key is never written anywhere, and a server
 * certificate that it signed. */
#ifndef CLI_TRIAL_TLS_H
#define CLI_TRIAL_TLS_H

#include "base/err.h"
#include "base/strv.h"

/* Writes cert (server certificate and authority), key (mode 0600) and ca.crt beside cert, valid for localhost, 127.0.0.1,
 * ::1 and `names` (host names and addresses) for a year. */
int trial_tls_create(const char *cert, const char *key, const struct strv *names, struct err *e) MUST_CHECK;

/* "…/ca.crt" beside cert; caller frees. */
char *trial_tls_ca_path(const char *cert);

#endif
