/* The half of tls.h about the certificates of clients. */
#include "base/buf.h"
#include "queryd/tls.h"
#include "sys/digest.h"
#include "sys/io.h"

#include <gnutls/x509.h>
#include <stdatomic.h>

#define FILE_MAX (1024u * 1024)
#define REVOKED_MAX (32u * 1024 * 1024)
#define CHAIN_MAX 16

/* As those of tls.c, all are kept to the end: a request may still use one that was replaced. */
struct authorities {
	struct authorities *older;
	gnutls_x509_trust_list_t list;
	char *pem;
};

static _Atomic(struct authorities *) current;

static void authorities_free(struct authorities *a)
{
	if (a->list)
		gnutls_x509_trust_list_deinit(a->list, 1);
	free(a->pem);
	free(a);
}

static void authorities_freep(struct authorities **a)
{
	if (*a)
		authorities_free(*a);
}

/* Each list must be signed by one of the authorities that are there already. */
static int add_revoked(gnutls_x509_trust_list_t list, const char *path, struct err *e)
{
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(REVOKED_MAX);

	if (io_read_file(&pem, path, REVOKED_MAX, e) < 0)
		return -1;
	const gnutls_datum_t text = { .data = (unsigned char *)pem.data, .size = (unsigned)pem.len };
	int rc = gnutls_x509_trust_list_add_trust_mem(list, NULL, &text, GNUTLS_X509_FMT_PEM, GNUTLS_TL_VERIFY_CRL, 0);

	if (rc > 0)
		return 0;
	return err_permanent(e, "gnutls_x509_trust_list_add_trust(%s) failed: %s", path,
		rc ? gnutls_strerror(rc) : "it holds no list of an authority that is known");
}

int tls_load_clients(const char *ca_path, const char *crl_path, struct err *e)
{
	CLEANUP(authorities_freep) struct authorities *a = MEM_NEW(struct authorities);
	CLEANUP(buf_deinit) struct buf pem = BUF_INIT(FILE_MAX);

	if (io_read_file(&pem, ca_path, FILE_MAX, e) < 0)
		return -1;
	const gnutls_datum_t text = { .data = (unsigned char *)pem.data, .size = (unsigned)pem.len };
	int rc = gnutls_x509_trust_list_init(&a->list, 0);

	if (rc >= 0)
		rc = gnutls_x509_trust_list_add_trust_mem(a->list, &text, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (rc < 0)
		return err_permanent(e, "gnutls_x509_trust_list_add_trust(%s) failed: %s", ca_path, gnutls_strerror(rc));
	if (rc == 0)
		return err_permanent(e, "gnutls_x509_trust_list_add_trust(%s) failed: it holds no certificate", ca_path);
	if (*crl_path && add_revoked(a->list, crl_path, e) < 0)
		return -1;
	a->pem = buf_take(&pem);
	a->older = atomic_load(&current);
	atomic_store(&current, a);
	a = NULL;
	return 0;
}

void tls_unload_clients(void)
{
	struct authorities *a = atomic_exchange(&current, NULL);

	while (a) {
		struct authorities *older = a->older;

		authorities_free(a);
		a = older;
	}
}

const char *tls_clients_pem(void)
{
	const struct authorities *a = atomic_load(&current);

	return a ? a->pem : NULL;
}

static unsigned import_chain(gnutls_x509_crt_t chain[CHAIN_MAX], const gnutls_datum_t *shown, unsigned n)
{
	unsigned length = 0;

	for (; length < n && length < CHAIN_MAX; length++) {
		if (gnutls_x509_crt_init(&chain[length]) < 0)
			break;
		if (gnutls_x509_crt_import(chain[length], &shown[length], GNUTLS_X509_FMT_DER) < 0) {
			gnutls_x509_crt_deinit(chain[length]);
			break;
		}
	}
	return length;
}

static bool is_trusted(const struct authorities *a, gnutls_x509_crt_t *chain, unsigned length)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = 1;

	return gnutls_x509_trust_list_verify_crt2(a->list, chain, length, &purpose, 1, 0, &status, NULL) >= 0 && status == 0;
}

bool tls_client_certified(gnutls_session_t session, uint8_t digest_r[32])
{
	const struct authorities *a = atomic_load(&current);
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned n = 0;
	const gnutls_datum_t *shown = a ? gnutls_certificate_get_peers(session, &n) : NULL;

	if (!shown || !n)
		return false;
	unsigned length = import_chain(chain, shown, n);
	bool good = length == n && is_trusted(a, chain, length);

	for (unsigned i = 0; i < length; i++)
		gnutls_x509_crt_deinit(chain[i]);
	if (good)
		sha256_of(shown[0].data, shown[0].size, digest_r);
	return good;
}
