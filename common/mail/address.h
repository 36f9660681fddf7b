/* address: one normal form of a mail address, so that equal mailboxes compare equal.
 *
 * local part: Unicode case-folded and NFC (RFC 5321 lets case matter; no deployed mailbox does); domain: lower-case
 * A-labels (UTS 46, non-transitional), left lower-cased where it is no valid domain. No angle brackets, no comments. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/mem.h"

/* `raw` is an addr-spec with or without <>, UTF-8 or any bytes. Caller frees; "" for the null reverse-path. */
char *address_normalize(const char *raw) __attribute__((returns_nonnull));

#endif
