#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/tls.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One self-signed certificate serves as everybody's: server, client and authority. */
static char dir[64], cert_path[96], key_path[96], other_key_path[96];

static EVP_PKEY *write_key(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	return key;
}

static void write_cert(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	FILE *f = fopen(cert_path, "w");

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"mx.example",
		-1, -1, 0);
	X509_set_issuer_name(x, name);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	X509_free(x);
}

static int make_files(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_tls.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(cert_path, sizeof(cert_path), "%s/cert", dir);
	snprintf(key_path, sizeof(key_path), "%s/key", dir);
	snprintf(other_key_path, sizeof(other_key_path), "%s/other", dir);
	EVP_PKEY *key = write_key(key_path);

	write_cert(key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(write_key(other_key_path));
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(cert_path) | unlink(key_path) | unlink(other_key_path) | rmdir(dir);
}

struct client {
	int fd;
	int version_max;
	bool shows_certificate;
};

/* Shakes hands, says "hello", waits for the answer, says goodbye. NULL, or what failed. */
static void *run_client(void *arg)
{
	const struct client *c = arg;
	SSL_CTX *x = SSL_CTX_new(TLS_client_method());
	char answer[8] = "";
	const char *failed = NULL;

	if (c->version_max)
		SSL_CTX_set_max_proto_version(x, c->version_max);
	if (c->shows_certificate && (SSL_CTX_use_certificate_chain_file(x, cert_path) != 1 ||
					    SSL_CTX_use_PrivateKey_file(x, key_path,
					SSL_FILETYPE_PEM) != 1))
		failed = "load";
	SSL *s = SSL_new(x);

	SSL_set_fd(s, c->fd);
	if (!failed && SSL_connect(s) != 1)
		failed = "connect";
	else if (SSL_write(s, "hello", 5) != 5)
		failed = "write";
	else if (SSL_read(s, answer, sizeof(answer)) != 2)
		failed = "read";
	else
		SSL_shutdown(s);
	SSL_free(s);
	SSL_CTX_free(x);
	close(c->fd);
	return (void *)(uintptr_t)failed;
}

static bool wait_for(int fd, enum tls_status status)
{
	struct pollfd p = { .fd = fd, .events = status == TLS_WANT_READ ? POLLIN : POLLOUT };

	return (status == TLS_WANT_READ || status == TLS_WANT_WRITE) && poll(&p, 1, 10000) == 1;
}

/* The server's half; the status that it ended with. */
static enum tls_status serve(struct tls *t, int fd, char **subject_r, struct err *e)
{
	enum tls_status status;
	char data[16];
	size_t n;

	while (wait_for(fd, status = tls_handshake(t, e)))
		;
	if (status)
		return status;
	*subject_r = tls_client_subject(t);
	while (wait_for(fd, status = tls_read(t, data, sizeof(data), &n, e)))
		;
	if (status)
		return status;
	assert_int_equal(n, 5);
	while (wait_for(fd, status = tls_write(t, "ok", 2, &n, e)))
		;
	while (wait_for(fd, status = tls_read(t, data, sizeof(data), &n, e)))
		;
	return status;
}

static enum tls_status converse(struct client c, const char *client_ca,
	const char **client_failed_r, char **subject_r)
{
	struct tls_context *x = NULL;
	struct tls *t = NULL;
	pthread_t thread;
	struct err e;
	void *failed;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(tls_context_new(&x, cert_path, key_path, client_ca, &e), 0);
	assert_int_equal(tls_new(&t, x, pair[1], &e), 0);
	tls_context_freep(&x); /* as a reload does it: the connection goes on */
	c.fd = pair[0];
	*subject_r = NULL;
	assert_int_equal(pthread_create(&thread, NULL, run_client, &c), 0);
	enum tls_status status = serve(t, pair[1], subject_r, &e);

	tls_freep(&t);
	close(pair[1]);
	pthread_join(thread, &failed);
	*client_failed_r = failed;
	return status;
}

static void test_conversation(void **state)
{
	const char *failed;
	char *subject;

	(void)state;
	assert_int_equal(converse((struct client){ .fd = -1 }, "", &failed, &subject), TLS_END);
	assert_null(failed);
	assert_null(subject);
	assert_int_equal(converse((struct client){ .version_max = TLS1_2_VERSION }, "", &failed,
		&subject), TLS_END);
	assert_null(failed);
}

static void test_old_versions_are_refused(void **state)
{
	const char *failed;
	char *subject;

	(void)state;
	assert_int_equal(converse((struct client){ .version_max = TLS1_1_VERSION }, "", &failed,
		&subject), TLS_FAILED);
	assert_non_null(failed);
}

static void test_client_certificate(void **state)
{
	const char *failed;
	char *subject;

	(void)state;
	assert_int_equal(converse((struct client){ .shows_certificate = true }, cert_path, &failed,
		&subject), TLS_END);
	assert_null(failed);
	assert_string_equal(subject, "CN=mx.example");
	free(subject);
	assert_int_equal(converse((struct client){ .fd = -1 }, cert_path, &failed, &subject),
		TLS_FAILED);
	assert_non_null(failed);
}

static void test_bad_files_are_named(void **state)
{
	struct tls_context *x = NULL;
	struct err e;

	(void)state;
	assert_int_equal(tls_context_new(&x, "/nowhere/cert", key_path, "", &e), -1);
	assert_non_null(strstr(e.text, "/nowhere/cert"));
	assert_int_equal(tls_context_new(&x, cert_path, other_key_path, "", &e), -1);
	assert_non_null(strstr(e.text, other_key_path));
	assert_int_equal(tls_context_new(&x, cert_path, key_path, key_path, &e), -1);
	assert_non_null(strstr(e.text, key_path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_old_versions_are_refused),
		cmocka_unit_test(test_client_certificate),
		cmocka_unit_test(test_bad_files_are_named),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
