#include "sys/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SESSION_ID_CONTEXT "strongroom"

/* SSL_CTX and SSL count their users themselves; these names keep OpenSSL out of the header. */
static SSL_CTX *context(struct tls_context *c)
{
	return (SSL_CTX *)c;
}

static SSL *ssl(const struct tls *t)
{
	return (SSL *)(uintptr_t)t;
}

/* The first reason is the one that matters; the queue is emptied. */
static const char *reason(char text[256])
{
	unsigned long code = ERR_get_error();

	if (code)
		ERR_error_string_n(code, text, 256);
	else
		strcpy(text, "the connection broke");
	ERR_clear_error();
	return text;
}

static int refuse(struct err *e, const char *op, const char *object)
{
	char text[256];

	return err_permanent(e, "%s(%s) failed: %s", op, object, reason(text));
}

/* The names of the authorities are sent along, so that a client knows which of its certificates to
 * show. */
static int ask_for_certificate(SSL_CTX *x, const char *client_ca, struct err *e)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);

	if (!names || SSL_CTX_load_verify_locations(x, client_ca, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return refuse(e, "load client CA", client_ca);
	}
	SSL_CTX_set_client_CA_list(x, names);
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int configure(SSL_CTX *x, const char *cert, const char *key, const char *client_ca,
	struct err *e)
{
	SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION);
	SSL_CTX_set_options(x, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_id_context(x, (const unsigned char *)SESSION_ID_CONTEXT,
		strlen(SESSION_ID_CONTEXT));
	if (SSL_CTX_use_certificate_chain_file(x, cert) != 1)
		return refuse(e, "load certificate", cert);
	if (SSL_CTX_use_PrivateKey_file(x, key, SSL_FILETYPE_PEM) != 1)
		return refuse(e, "load key", key);
	if (SSL_CTX_check_private_key(x) != 1)
		return refuse(e, "match key with certificate", key);
	return client_ca[0] ? ask_for_certificate(x, client_ca, e) : 0;
}

int tls_context_new(struct tls_context **c_r, const char *cert, const char *key,
	const char *client_ca, struct err *e)
{
	ERR_clear_error();
	SSL_CTX *x = SSL_CTX_new(TLS_server_method());

	if (!x)
		return refuse(e, "SSL_CTX_new", "");
	if (configure(x, cert, key, client_ca, e)) {
		SSL_CTX_free(x);
		return -1;
	}
	*c_r = (struct tls_context *)x;
	return 0;
}

void tls_context_freep(struct tls_context **c)
{
	SSL_CTX_free(context(*c));
	*c = NULL;
}

int tls_new(struct tls **t_r, struct tls_context *c, int fd, struct err *e)
{
	ERR_clear_error();
	SSL *s = SSL_new(context(c));

	if (!s || SSL_set_fd(s, fd) != 1) {
		SSL_free(s);
		return refuse(e, "SSL_new", "");
	}
	SSL_set_accept_state(s);
	*t_r = (struct tls *)s;
	return 0;
}

/* ---- as a client ---- */

int tls_client_context_new(struct tls_context **c_r, const char *ca, struct err *e)
{
	ERR_clear_error();
	SSL_CTX *x = SSL_CTX_new(TLS_client_method());

	if (!x)
		return refuse(e, "SSL_CTX_new", "");
	SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION);
	SSL_CTX_set_mode(x, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER, NULL);
	if (ca[0] ? SSL_CTX_load_verify_locations(x, ca, NULL) != 1 : SSL_CTX_set_default_verify_paths(x) != 1) {
		SSL_CTX_free(x);
		return refuse(e, "load CA", ca);
	}
	*c_r = (struct tls_context *)x;
	return 0;
}

/* Names go into the handshake too, so that a server of many names shows the right certificate; addresses may not. */
static bool expect(SSL *s, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), host) == 1)
		return true;
	ERR_clear_error();
	return SSL_set1_host(s, host) == 1 && SSL_set_tlsext_host_name(s, host) == 1;
}

int tls_client_new(struct tls **t_r, struct tls_context *c, int fd, const char *host, struct err *e)
{
	ERR_clear_error();
	SSL *s = SSL_new(context(c));

	if (!s || SSL_set_fd(s, fd) != 1 || !expect(s, host)) {
		SSL_free(s);
		return refuse(e, "SSL_new", host);
	}
	SSL_set_connect_state(s);
	*t_r = (struct tls *)s;
	return 0;
}

/* What a call that returned `rc` means. */
static enum tls_status status(const struct tls *t, const char *op, int rc, struct err *e)
{
	int saved = errno;
	char text[256];

	if (rc == 1)
		return TLS_OK;
	switch (SSL_get_error(ssl(t), rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	case SSL_ERROR_SYSCALL:
		err_temporary(e, "%s() failed: %s", op,
			saved ? strerror_r(saved, text, sizeof(text)) : reason(text));
		break;
	default:
		err_temporary(e, "%s() failed: %s", op, reason(text));
	}
	SSL_set_quiet_shutdown(ssl(t), 1); /* no farewell on a broken connection */
	return TLS_FAILED;
}

enum tls_status tls_handshake(struct tls *t, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	enum tls_status s = status(t, "SSL_do_handshake", SSL_do_handshake(ssl(t)), e);
	long verified = SSL_get_verify_result(ssl(t));

	if (s == TLS_FAILED && !SSL_is_server(ssl(t)) && verified != X509_V_OK)
		err_permanent(e, "the certificate is not good: %s", X509_verify_cert_error_string(verified));
	return s;
}

enum tls_status tls_read(struct tls *t, void *data, size_t n, size_t *done_r, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	*done_r = 0;
	return status(t, "SSL_read", SSL_read_ex(ssl(t), data, n, done_r), e);
}

enum tls_status tls_write(struct tls *t, const void *data, size_t n, size_t *done_r, struct err *e)
{
	ERR_clear_error();
	errno = 0;
	*done_r = 0;
	return status(t, "SSL_write", SSL_write_ex(ssl(t), data, n, done_r), e);
}

bool tls_pending(const struct tls *t)
{
	return SSL_has_pending(ssl(t)) == 1;
}

char *tls_describe(const struct tls *t)
{
	return mem_printf("%s %s", SSL_get_version(ssl(t)), SSL_get_cipher_name(ssl(t)));
}

static char *name_text(const X509_NAME *name)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL, *view;

	if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) >= 0) {
		long n = BIO_get_mem_data(out, &view);

		text = mem_dup(view, (size_t)n);
	}
	BIO_free(out);
	return text;
}

char *tls_client_subject(const struct tls *t)
{
	X509 *cert = SSL_get1_peer_certificate(ssl(t));

	if (!cert)
		return NULL;
	char *text = name_text(X509_get_subject_name(cert));

	X509_free(cert);
	return text;
}

void tls_freep(struct tls **t)
{
	ERR_clear_error();
	if (*t && SSL_is_init_finished(ssl(*t)))
		(void)SSL_shutdown(ssl(*t));
	ERR_clear_error();
	SSL_free(ssl(*t));
	*t = NULL;
}
