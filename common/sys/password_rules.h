/* password_rules: what a new password must be: long, and none that is tried first. Nothing about kinds of characters: that makes
 * passwords that people write down (NIST SP 800-63B, 5.1.1.2). */
#ifndef SYS_PASSWORD_RULES_H
#define SYS_PASSWORD_RULES_H

#include "base/err.h"

#include <stdint.h>

#define PASSWORD_BYTES_MAX 1024
#define PASSWORD_DISTINCT_MIN 5 /* different characters */
#define PASSWORD_REST_MIN 8	/* characters besides the user's name and the product's */

struct password_rules {
	uint64_t length_min;   /* characters */
	const char *deny_file; /* passwords that are not taken beside those of etc/password-deny, one on each line; "": none */
};

/* 0; -1 permanent when this password is not for this user: e's text says why in words for who chose it ("it has fewer than
 * 12 characters"); -1 temporary when the file can't be read. */
int password_check(const struct password_rules *r, const char *username, const char *password, struct err *e) MUST_CHECK;

#endif
