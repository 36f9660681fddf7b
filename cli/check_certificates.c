#include "base/clock.h"
#include "cli/check.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RENEW_DAYS 21

static void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void cert_freep(X509 **c)
{
	X509_free(*c);
}

static void key_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static const char *reason(int number)
{
	static char text[160];
	unsigned long failed = ERR_get_error();

	if (number && !failed)
		return strerror_r(number, text, sizeof(text));
	ERR_error_string_n(failed, text, sizeof(text));
	return text;
}

static X509 *read_cert(const char *path)
{
	FILE *f CLEANUP(file_closep) = fopen(path, "re");

	return f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
}

/* The daemons have nobody to ask either. */
static int no_passphrase(char *buffer, int size, int writing, void *ctx)
{
	(void)buffer, (void)size, (void)writing, (void)ctx;
	return -1;
}

static EVP_PKEY *read_key(const char *path)
{
	FILE *f CLEANUP(file_closep) = fopen(path, "re");

	return f ? PEM_read_PrivateKey(f, NULL, no_passphrase, NULL) : NULL;
}

/* Whole days until its end; negative when that is past. */
static int days_left(const X509 *cert)
{
	int days = 0, seconds = 0;

	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)))
		return -1;
	return seconds < 0 ? days - 1 : days;
}

static void check_pair(struct check *c, const char *program, const char *cert_path, const char *key_path,
	const char *remedy)
{
	errno = 0;
	X509 *cert CLEANUP(cert_freep) = read_cert(cert_path);

	if (!cert) {
		check_report(c, CHECK_PROBLEM, remedy, "certificate of %s, %s: %s", program, cert_path, reason(errno));
		return;
	}
	errno = 0;
	EVP_PKEY *key CLEANUP(key_freep) = read_key(key_path);

	if (!key) {
		check_report(c, CHECK_PROBLEM, remedy, "key of %s, %s: %s", program, key_path, reason(errno));
		return;
	}
	int days = days_left(cert);

	if (!X509_check_private_key(cert, key))
		check_report(c, CHECK_PROBLEM, "bring the two that belong together", "key %s is not that of %s", key_path,
			cert_path);
	else if (days < 0)
		check_report(c, CHECK_PROBLEM, "renew it", "certificate of %s, %s, has expired", program, cert_path);
	else if (days < RENEW_DAYS)
		check_report(c, CHECK_PROBLEM, "renew it", "certificate of %s, %s, expires in %d days", program, cert_path,
			days);
	else
		check_report(c, CHECK_OK, NULL, "certificate of %s is valid for %d days", program, days);
}

void check_certificates(struct check *c)
{
	const struct conf *conf = c->conf;

	check_pair(c, "strongroom-queryd", conf->queryd_tls_cert, conf->queryd_tls_key,
		"set [queryd] tls_cert and tls_key, or for a trial: strongroom init --trial-tls NAME");
	if (*conf->lmtpd_tls_cert)
		check_pair(c, "strongroom-lmtpd", conf->lmtpd_tls_cert, conf->lmtpd_tls_key,
			"set [lmtpd] tls_cert and tls_key");
}
