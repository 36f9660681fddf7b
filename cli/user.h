/* user: what the subcommands of `strongroom user` share. */
#ifndef CLI_USER_H
#define CLI_USER_H

#include "base/strv.h"
#include "cli/cli.h"
#include "meta/account.h"
#include "sys/json.h"

/* What the command line asks for. */
struct user_wanted {
	const char *username;
	struct strv roles, mailboxes, departments;
	bool all, scoped, qr; /* scoped: something was said about the scope */
	bool provider;	      /* no password: sign-in through the OpenID provider */
	int64_t from_us, until_us;
};

/* Views of the members of w. */
struct account_scope user_scope(const struct user_wanted *w);

/* The scope as an object for the audit, with the user's name. Caller frees. */
cJSON *user_describe(const struct user_wanted *w);

/* "all mailboxes": what the scope is, for the operator. */
const char *user_scope_text(const struct user_wanted *w);

/* user add: asks for the password and prints the secret; the exit status. */
int user_add(struct meta *m, const struct conf *conf, const struct user_wanted *w);

/* user password, user reset-mfa: all sessions of the user end; the exit status. */
int user_password(struct meta *m, const struct conf *conf, const struct user_wanted *w);
int user_reset_mfa(struct meta *m, const struct conf *conf, const struct user_wanted *w);

/* Tells the cache that the sessions of this user have ended: replicas of queryd that read from a database that is behind hear
 * of it at once. The database has it: that the cache can't be told is no failure. */
void user_tell_cache(const struct conf *conf, struct meta *m, const char *username);

/* user list: a line for each user; the exit status. */
int user_list(struct meta *m);

#endif
