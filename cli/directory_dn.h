/* directory_dn: distinguished names (RFC 4514). Pure. */
#ifndef CLI_DIRECTORY_DN_H
#define CLI_DIRECTORY_DN_H

#include "base/mem.h"

/* Is dn below base? 1 with the value of its first name ("Sales" of "cn=Sales,ou=departments,dc=example"), which the caller
 * frees, 0, -1: it is no such name. Letters of ASCII count in either case. A base that is none has nothing below it. */
int directory_dn_below(const char *dn, const char *base, char **name_r) MUST_CHECK;

/* The same text for each way to write a name: what tells two entries apart. The caller frees; NULL: it is no such name. */
char *directory_dn_key(const char *dn) MUST_CHECK;

#endif
