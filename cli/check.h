/* check: what the parts of `strongroom check` share. */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "conf/conf.h"

enum check_level {
	CHECK_OK,      /* looked at, in order */
	CHECK_NOTE,    /* fine for some installations: somebody should know */
	CHECK_PROBLEM, /* must be mended; the exit status says so */
};

/* How much of what is archived is looked at. */
enum check_depth {
	CHECK_NEWEST, /* the newest messages, without reading them */
	CHECK_ALL,    /* all messages, without reading them */
	CHECK_BYTES,  /* all messages, and every byte of them */
};

struct check {
	enum check_depth depth;
	bool quick; /* the store's locks are not tried: that they were is enough */
	const struct conf *conf;
	void (*report)(struct check *c, enum check_level level, const char *what, const char *remedy);
};

/* Reports a finding; remedy is a command or a line to change, NULL for none. */
void check_report(struct check *c, enum check_level level, const char *remedy, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Directories and key files: there, of the right owner, closed to others. With room left. */
void check_files(struct check *c);

/* Store, database, index and their agreement, and the parser. */
void check_backends(struct check *c);

/* The ledger, each message and its object (c->depth). */
struct meta;
struct store;
void check_ledger(struct check *c, struct meta *m, struct store *s);

/* The audit's ledger, with --ledger and --deep. */
void check_audit(struct check *c, struct meta *m);

/* What strongroom-workerd found wrong, and whether its accounts add up. */
void check_reconcile(struct check *c, struct meta *m);

/* The directory, if there is one: reached, signed in to, its base seen. */
void check_ldap(struct check *c);

/* The OpenID provider, where one is configured: whether it answers as it should; and with the database, whether the roles that its
 * groups give exist. */
void check_provider(struct check *c);
void check_provider_roles(struct check *c, struct meta *m);

/* Certificates: readable, matching their keys, valid for a while. */
void check_certificates(struct check *c);

/* Runs postconf for the settings in directory (NULL: where it looks by itself) and checks what it says. */
void check_postfix(struct check *c, const char *directory);

/* The same on settings that were read already. */
struct postfix_config;
void check_postfix_config(struct check *c, const struct postfix_config *config, const char *directory);

#endif
