#include "sys/certificate.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

static void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static void cert_freep(X509 **c)
{
	X509_free(*c);
}

int certificate_end(const char *path, int64_t *end_us_r, struct err *e)
{
	CLEANUP(file_closep) FILE *f = fopen(path, "re");
	struct tm end;

	if (!f)
		return err_errno(e, "open", path);
	CLEANUP(cert_freep) X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);

	if (!cert || !ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end)) {
		ERR_clear_error();
		return err_permanent(e, "certificate(%s) failed: there is none in the file", path);
	}
	*end_us_r = (int64_t)timegm(&end) * CLOCK_SECOND;
	return 0;
}
