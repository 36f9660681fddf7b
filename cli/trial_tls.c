#include "cli/trial_tls.h"

#include "base/buf.h"
#include "sys/io.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define VALID_SECONDS (366L * 86400)
#define PEM_MAX (64u * 1024)

static void key_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void cert_freep(X509 **c)
{
	X509_free(*c);
}

static void bio_freep(BIO **b)
{
	BIO_free_all(*b);
}

static int failed(const char *what, struct err *e)
{
	char reason[160];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	return err_temporary(e, "%s failed: %s", what, reason);
}

static int add_extension(X509 *cert, X509 *issuer, int nid, const char *value, struct err *e)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	int added = extension && X509_add_ext(cert, extension, -1);

	X509_EXTENSION_free(extension);
	return added ? 0 : failed("X509_add_ext", e);
}

/* A certificate with everything but extensions and signature. */
static X509 *new_cert(const char *name, EVP_PKEY *key, const X509_NAME *issuer, struct err *e)
{
	X509 *cert CLEANUP(cert_freep) = X509_new();
	unsigned char serial[16];
	BIGNUM *number = RAND_bytes(serial, sizeof(serial)) == 1 ? BN_bin2bn(serial, sizeof(serial), NULL) : NULL;
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;

	if (number)
		BN_clear_bit(number, 127); /* a serial number is positive */
	bool made = number && subject && X509_set_version(cert, X509_VERSION_3) &&
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
		X509_set_issuer_name(cert, issuer ? issuer : subject) && X509_set_pubkey(cert, key) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), -300) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), VALID_SECONDS);

	BN_free(number);
	if (!made) {
		failed("X509_new", e);
		return NULL;
	}
	X509 *result = cert;

	cert = NULL;
	return result;
}

static X509 *new_authority(EVP_PKEY *key, struct err *e)
{
	X509 *ca CLEANUP(cert_freep) = new_cert("Strongroom trial authority", key, NULL, e);

	if (!ca || add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", e) < 0 ||
		add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign", e) < 0 ||
		add_extension(ca, ca, NID_subject_key_identifier, "hash", e) < 0)
		return NULL;
	if (!X509_sign(ca, key, EVP_sha256())) {
		failed("X509_sign", e);
		return NULL;
	}
	X509 *result = ca;

	ca = NULL;
	return result;
}

/* "DNS:localhost,IP:127.0.0.1,…"; NULL when a name could not stand there. */
static char *alternative_names(const struct strv *names, struct err *e)
{
	struct strv all CLEANUP(strv_deinit) = { 0 };
	unsigned char address[16];

	strv_split(&all, "DNS:localhost IP:127.0.0.1 IP:::1", " ");
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->items[i];
		bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
		_free_ char *item = mem_printf("%s:%s", is_address ? "IP" : "DNS", name);

		if (!is_address && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*")]) {
			err_permanent(e, "--trial-tls: \"%s\" is neither a host name nor an address", name);
			return NULL;
		}
		strv_add_unique(&all, item);
	}
	return strv_join(&all, ",");
}

static X509 *new_server(EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const char *names, struct err *e)
{
	X509 *cert CLEANUP(cert_freep) = new_cert("Strongroom trial", key, X509_get_subject_name(ca), e);

	if (!cert || add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE", e) < 0 ||
		add_extension(cert, ca, NID_key_usage, "critical,digitalSignature", e) < 0 ||
		add_extension(cert, ca, NID_ext_key_usage, "serverAuth", e) < 0 ||
		add_extension(cert, ca, NID_subject_key_identifier, "hash", e) < 0 ||
		add_extension(cert, ca, NID_authority_key_identifier, "keyid", e) < 0 ||
		add_extension(cert, ca, NID_subject_alt_name, names, e) < 0)
		return NULL;
	if (!X509_sign(cert, ca_key, EVP_sha256())) {
		failed("X509_sign", e);
		return NULL;
	}
	X509 *result = cert;

	cert = NULL;
	return result;
}

static int write_bio(BIO *bio, const char *path, mode_t mode, struct err *e)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return io_replace_file(path, data, (size_t)n, mode, e);
}

static int write_certs(const char *path, X509 *first, X509 *second, struct err *e)
{
	BIO *bio CLEANUP(bio_freep) = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509(bio, first) || (second && !PEM_write_bio_X509(bio, second)))
		return failed("PEM_write_bio_X509", e);
	return write_bio(bio, path, 0644, e);
}

static int write_key(const char *path, EVP_PKEY *key, struct err *e)
{
	BIO *bio CLEANUP(bio_freep) = BIO_new(BIO_s_secmem());

	if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		return failed("PEM_write_bio_PrivateKey", e);
	return write_bio(bio, path, 0600, e);
}

char *trial_tls_ca_path(const char *cert)
{
	return mem_printf("%.*s/ca.crt", (int)(strrchr(cert, '/') - cert), cert);
}

int trial_tls_create(const char *cert_path, const char *key_path, const struct strv *names, struct err *e)
{
	_free_ char *alternatives = alternative_names(names, e), *ca_path = trial_tls_ca_path(cert_path);
	EVP_PKEY *ca_key CLEANUP(key_freep) = EVP_EC_gen("P-256"), *key CLEANUP(key_freep) = EVP_EC_gen("P-256");

	if (!alternatives)
		return -1;
	if (!ca_key || !key)
		return failed("EVP_EC_gen", e);
	X509 *ca CLEANUP(cert_freep) = new_authority(ca_key, e);
	X509 *cert CLEANUP(cert_freep) = ca ? new_server(key, ca, ca_key, alternatives, e) : NULL;

	if (!cert)
		return -1;
	if (write_key(key_path, key, e) < 0 || write_certs(ca_path, ca, NULL, e) < 0)
		return -1;
	return write_certs(cert_path, cert, ca, e);
}
