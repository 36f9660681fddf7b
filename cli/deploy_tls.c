/* deploy_tls: TLS of the daemons' own listeners: versions, certificates, keys. D1.. */
#include "base/clock.h"
#include "base/strv.h"
#include "cli/deploy.h"
#include "sys/certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RENEW_US (21 * 86400 * CLOCK_SECOND)
#define BITS_MIN 112 /* of security: RSA 2048, P-224 */

static void versions(struct deploy *d)
{
	deploy_say(d, DEPLOY_OK, NULL, "TLS 1.2 and 1.3 are all that any listener speaks; it can't be set otherwise");
}

/* ---- one pair of files ---- */

static void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void cert_freep(X509 **c)
{
	X509_free(*c);
}

/* Bits of security of the key in a certificate, and whether it is a trial's; -1: it can't be read. */
static int look_into(const char *path, bool *trial_r)
{
	CLEANUP(file_closep) FILE *f = fopen(path, "re");
	CLEANUP(cert_freep) X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	char name[256] = "";

	if (!cert)
		return -1;
	X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof(name));
	*trial_r = strstr(name, "Strongroom trial") != NULL;
	return EVP_PKEY_get_security_bits(X509_get0_pubkey(cert));
}

static void certificate(struct deploy *d, const char *daemon, const char *path)
{
	int64_t end_us, now_us = clock_now_us();
	bool trial = false;
	struct err e;
	int bits = look_into(path, &trial);

	if (bits < 0 || certificate_end(path, &end_us, &e))
		deploy_say(d, DEPLOY_ERROR, "see that the file is there, and readable here", "the certificate of %s, %s, can't be read",
			daemon, path);
	else if (bits < BITS_MIN)
		deploy_say(d, DEPLOY_ERROR, "make a new key: EC P-256, or RSA of 2048 bits or more",
			"the key of %s, %s, is too short: it has the strength of %d bits", daemon, path, bits);
	else if (end_us < now_us)
		deploy_say(d, DEPLOY_ERROR, "renew it", "the certificate of %s has expired", daemon);
	else if (end_us - now_us < RENEW_US)
		deploy_say(d, DEPLOY_WARNING, "renew it", "the certificate of %s expires within three weeks", daemon);
	else if (trial)
		deploy_say(d, DEPLOY_WARNING, "get one from the authority that your clients trust, and set tls_cert and tls_key",
			"the certificate of %s is that of `strongroom init --trial-tls`", daemon);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the certificate of %s is valid, its key long enough", daemon);
}

static void key_mode(struct deploy *d, const char *path)
{
	_free_ char *remedy = mem_printf("chmod 600 %s", path);
	struct stat st;

	if (stat(path, &st))
		deploy_say(d, DEPLOY_ERROR, "see that the file is there", "the key %s can't be looked at", path);
	else if (st.st_mode & 0037)
		deploy_say(d, DEPLOY_ERROR, remedy, "the key %s is open to others (mode %04o): whoever reads it can be this server",
			path, (unsigned)(st.st_mode & 07777));
	else
		deploy_say(d, DEPLOY_OK, NULL, "the key %s is closed to others", path);
}

static void certificates(struct deploy *d)
{
	certificate(d, "strongroom-queryd", d->conf->queryd_tls_cert);
	if (*d->conf->lmtpd_tls_cert)
		certificate(d, "strongroom-lmtpd", d->conf->lmtpd_tls_cert);
}

static void key_modes(struct deploy *d)
{
	key_mode(d, d->conf->queryd_tls_key);
	if (*d->conf->lmtpd_tls_key)
		key_mode(d, d->conf->lmtpd_tls_key);
}

/* ---- lmtpd ---- */

/* Does lmtpd take mail from other machines? */
static bool lmtpd_is_open(const struct conf *conf)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };

	strv_split(&list, conf->lmtpd_listen, " ");
	for (size_t i = 0; i < list.n; i++)
		if (deploy_reach(list.items[i]) != REACH_MACHINE)
			return true;
	return false;
}

static void lmtpd_tls(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!lmtpd_is_open(conf))
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-lmtpd takes mail from this machine only");
	else if (!conf->lmtpd_tls_required)
		deploy_say(d, DEPLOY_WARNING, "set tls_cert, tls_key and tls_required = yes in [lmtpd]",
			"strongroom-lmtpd takes mail from other machines in the clear");
	else if (!*conf->lmtpd_tls_client_ca)
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-lmtpd takes mail from other machines over TLS; its peers are known by "
			"their addresses (tls_client_ca would ask for certificates)");
	else
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-lmtpd takes mail over TLS from machines with a certificate");
}

/* A network that nobody owns all of: it was meant as "everybody". */
static bool is_wide(const char *network)
{
	const char *slash = strchr(network, '/');
	unsigned bits = slash ? (unsigned)strtoul(slash + 1, NULL, 10) : 128;

	return slash && bits < (strchr(network, ':') ? 16u : 8u);
}

static void lmtpd_peers(struct deploy *d)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };
	const char *wide = NULL;

	strv_split(&list, d->conf->lmtpd_peers, " ");
	for (size_t i = 0; i < list.n && !wide; i++)
		wide = is_wide(list.items[i]) ? list.items[i] : NULL;
	if (!wide || !lmtpd_is_open(d->conf))
		deploy_say(d, DEPLOY_OK, NULL, "who may hand mail to strongroom-lmtpd is listed: %s", d->conf->lmtpd_peers);
	else
		deploy_say(d, DEPLOY_ERROR, "list the mail servers in peers of [lmtpd]",
			"anybody may hand %s to strongroom-lmtpd (peers has %s): forged mail would be archived as real",
			d->conf->lmtpd_journal ? "journal reports" : "mail", wide);
}

static void milter_listen(struct deploy *d)
{
	if (deploy_reach(d->conf->milter_listen) == REACH_MACHINE)
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-milter listens on this machine only");
	else
		deploy_say(d, DEPLOY_WARNING, "use a Unix socket or a loopback address, or let a firewall through only the mail servers",
			"strongroom-milter listens at %s, in the clear and for everybody who can connect", d->conf->milter_listen);
}

/* What programs hand in over HTTPS, on its way from queryd to lmtpd. */
static void ingest(struct deploy *d)
{
	const struct conf *conf = d->conf;
	const char *set = *conf->queryd_ingest_lmtp ? conf->queryd_ingest_lmtp : conf->lmtpd_listen;
	_free_ char *address = mem_dup(set, strcspn(set, " \t"));

	if (!*conf->queryd_client_listen)
		deploy_say(d, DEPLOY_OK, NULL, "no program hands in mail over HTTPS");
	else if (deploy_reach(address) == REACH_NETWORK)
		deploy_say(d, DEPLOY_ERROR, "run a strongroom-lmtpd beside strongroom-queryd, and name its socket in ingest_lmtp of [queryd]",
			"what programs hand in goes on to strongroom-lmtpd at %s in the clear", address);
	else
		deploy_say(d, DEPLOY_OK, NULL, "what programs hand in goes on to strongroom-lmtpd on this machine");
}

const struct deploy_check deploy_tls_checks[] = {
	{ "D101", versions },
	{ "D102", certificates },
	{ "D103", key_modes },
	{ "D111", lmtpd_tls },
	{ "D112", lmtpd_peers },
	{ "D113", milter_listen },
	{ "D114", ingest },
	{ 0 },
};
