#include "queryd/tls.h"

#include "base/buf.h"
#include "sys/io.h"

#include <stdatomic.h>
#include <string.h>

#define FILE_MAX (256u * 1024)
#define CHAIN_MAX 16

/* A handshake may still use a set that was replaced, and GnuTLS does not say until when: all are kept to the end. */
struct identity {
	struct identity *older;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned length;
	gnutls_privkey_t key;
};

static _Atomic(struct identity *) current;

static void identity_free(struct identity *i)
{
	for (unsigned n = 0; n < i->length; n++)
		gnutls_pcert_deinit(&i->chain[n]);
	if (i->key)
		gnutls_privkey_deinit(i->key);
	free(i);
}

static void identity_freep(struct identity **i)
{
	if (*i)
		identity_free(*i);
}

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_deinit(b);
}

static int failed(struct err *e, const char *what, const char *path, int rc)
{
	return err_permanent(e, "%s(%s) failed: %s", what, path, gnutls_strerror(rc));
}

static gnutls_datum_t datum(const struct buf *b)
{
	return (gnutls_datum_t){ .data = (unsigned char *)b->data, .size = (unsigned)b->len };
}

static int load_chain(struct identity *i, const char *path, struct err *e)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(FILE_MAX);
	unsigned length = CHAIN_MAX;

	if (io_read_file(&pem, path, FILE_MAX, e) < 0)
		return -1;
	gnutls_datum_t text = datum(&pem);
	int rc = gnutls_pcert_list_import_x509_raw(i->chain, &length, &text, GNUTLS_X509_FMT_PEM,
		GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (rc < 0)
		return failed(e, "gnutls_pcert_list_import", path, rc);
	i->length = length;
	return 0;
}

static int load_key(struct identity *i, const char *path, struct err *e)
{
	CLEANUP(wipe) struct buf pem = BUF_INIT(FILE_MAX);

	if (io_read_file(&pem, path, FILE_MAX, e) < 0)
		return -1;
	gnutls_datum_t text = datum(&pem);
	int rc = gnutls_privkey_init(&i->key);

	if (rc >= 0)
		rc = gnutls_privkey_import_x509_raw(i->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	return rc < 0 ? failed(e, "gnutls_privkey_import", path, rc) : 0;
}

/* Is it the key of the first certificate? A mismatch would only show in the handshakes. */
static int check_pair(const struct identity *i, const char *key_path, struct err *e)
{
	unsigned char of_cert[32], of_key[32];
	size_t cert_length = sizeof(of_cert), key_length = sizeof(of_key);
	gnutls_pubkey_t public;
	int rc = gnutls_pubkey_init(&public);

	if (rc < 0)
		return failed(e, "gnutls_pubkey_init", key_path, rc);
	rc = gnutls_pubkey_import_privkey(public, i->key, 0, 0);
	if (rc >= 0)
		rc = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_length);
	if (rc >= 0)
		rc = gnutls_pubkey_get_key_id(i->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_cert, &cert_length);
	gnutls_pubkey_deinit(public);
	if (rc < 0)
		return failed(e, "gnutls_pubkey_get_key_id", key_path, rc);
	if (cert_length != key_length || memcmp(of_cert, of_key, key_length) != 0)
		return err_permanent(e, "tls_load(%s) failed: it is not the key of the certificate", key_path);
	return 0;
}

int tls_load(const char *cert_path, const char *key_path, struct err *e)
{
	CLEANUP(identity_freep) struct identity *i = MEM_NEW(struct identity);

	if (load_chain(i, cert_path, e) < 0 || load_key(i, key_path, e) < 0 || check_pair(i, key_path, e) < 0)
		return -1;
	i->older = atomic_load(&current);
	atomic_store(&current, i);
	i = NULL;
	return 0;
}

void tls_unload(void)
{
	struct identity *i = atomic_exchange(&current, NULL);

	while (i) {
		struct identity *older = i->older;

		identity_free(i);
		i = older;
	}
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
	const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain_r, unsigned *length_r,
	gnutls_privkey_t *key_r)
{
	struct identity *i = atomic_load(&current);

	(void)session, (void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
	if (!i)
		return -1;
	*chain_r = i->chain;
	*length_r = i->length;
	*key_r = i->key;
	return 0;
}
