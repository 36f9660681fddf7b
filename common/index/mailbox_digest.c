#include "index/mailbox_digest.h"

#include "sys/digest.h"

#include <string.h>

void mailbox_digest(uint8_t digest_r[MAILBOX_DIGEST_SIZE], const char *normal)
{
	uint8_t whole[SHA256_SIZE];

	sha256_of(normal, strlen(normal), whole);
	memcpy(digest_r, whole, MAILBOX_DIGEST_SIZE);
}
