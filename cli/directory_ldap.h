/* directory_ldap: people in a directory (LDAP version 3), over TLS alone. One thread. What libldap would read from the
 * environment and from files of its own does not count. */
#ifndef CLI_DIRECTORY_LDAP_H
#define CLI_DIRECTORY_LDAP_H

#include "cli/directory_person.h"
#include "conf/conf.h"

struct directory;

/* Can these be servers ("ldaps://host ldaps://other:3636")? -1 permanent: why not. */
int directory_uri_check(const char *uri, struct err *e) MUST_CHECK;

/* Connected over TLS with the server's certificate checked, and signed in. -1: temporary when no server answers that
 * can be trusted, permanent when one refuses. conf stays until the end. */
int directory_open(struct directory **d_r, const struct conf *conf, struct err *e) MUST_CHECK;
void directory_closep(struct directory **d);

/* Is there the entry below which people are looked for, as far as the account can see? */
int directory_probe(struct directory *d, struct err *e) MUST_CHECK;

/* All people, a page at a time (RFC 2696); each is take's until it returns, and it may ask d for other entries. -1, after some were
 * taken: the server did not give all of them, or take failed. Referrals are not followed: so many there were. */
int directory_read(struct directory *d, int (*take)(void *ctx, struct directory_person *person, struct err *e), void *ctx,
	uint64_t *referrals_r, struct err *e) MUST_CHECK;

/* What the entry of that name has in the attribute of departments: the groups that a group is in. Adds to *values. -1: there is
 * no such entry, the account may not see it, or the server gives a part of the values only. */
int directory_read_groups(struct directory *d, const char *dn, struct directory_values *values, struct err *e) MUST_CHECK;

#endif
