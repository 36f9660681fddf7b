/* tls: the certificate and key that queryd shows, replaceable while it runs. One set a process. */
#ifndef QUERYD_TLS_H
#define QUERYD_TLS_H

#include "base/err.h"

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stdint.h>

/* What is spoken: TLS 1.2 and 1.3, forward secrecy always. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:%SERVER_PRECEDENCE"

/* Loads both files (PEM) and shows them from the next handshake on; on -1 what was shown before stays. */
int tls_load(const char *cert_path, const char *key_path, struct err *e) MUST_CHECK;

/* The authorities that clients' certificates must come from, and their lists of revoked ones ("": none; both PEM), from the next
 * request on; on -1 those before stay. */
int tls_load_clients(const char *ca_path, const char *crl_path, struct err *e) MUST_CHECK;

/* Their text, for the listener that asks for certificates; lives until tls_unload(). NULL when there is none. */
const char *tls_clients_pem(void);

/* Has the client shown a certificate that comes from one of these authorities, is meant for clients and is good now? Then its
 * SHA-256 (of the DER). Any thread. */
bool tls_client_certified(gnutls_session_t session, uint8_t digest_r[32]);

/* After the last handshake. */
void tls_unload(void);
void tls_unload_clients(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
	const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain_r, unsigned *length_r,
	gnutls_privkey_t *key_r);

#endif
