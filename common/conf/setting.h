/* setting: the inside of conf: the table of all settings and the types of their values. For conf/ alone. */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include "base/buf.h"
#include "conf/conf.h"

enum setting_type {
	SETTING_TEXT,	   /* any text of one line; limits are its length */
	SETTING_NAME,	   /* letters, digits, '.', '-' and '_' */
	SETTING_PATH,	   /* absolute; "" only where min is 0 */
	SETTING_BACKEND,   /* one of `words`, ':', and an absolute path, or for a server a name or nothing */
	SETTING_CHOICE,	   /* one of `words` */
	SETTING_ADDRESS,   /* unix:/path or inet:host:port */
	SETTING_ADDRESSES, /* a list of these */
	SETTING_NETWORKS,  /* a list for net_allow_parse() */
	SETTING_HOST_PORT, /* host:port */
	SETTING_URLS,	   /* a list of http(s)://host[:port] */
	SETTING_ROLES,	   /* a list of role:group (conf/role_map.h) */
	SETTING_NUMBER,	   /* the types from here on are no text in struct conf: uint64_t */
	SETTING_SIZE,	   /* uint64_t, bytes */
	SETTING_DURATION,  /* int64_t, microseconds */
	SETTING_BOOL,	   /* bool */
};

struct setting {
	const char *section; /* "" for none */
	const char *key;
	enum setting_type type;
	size_t offset;	      /* in struct conf */
	const char *standard; /* the default, as one would write it in the file */
	uint64_t min, max;    /* of the value; of texts: their length in bytes */
	const char *words;    /* BACKEND, CHOICE: what it can be, separated by blanks */
	const char *alias;    /* a well-known environment variable that sets it too, NULL for none */
	const char *alias_kind; /* put before a value from there: "mysql:" */
	const char *alias_unit; /* put behind it: "m" */
	const char *help;     /* sentences */
};

extern const struct setting settings[];
extern const size_t settings_count;

/* NULL when there is none. */
const struct setting *setting_find(const char *section, const char *key);
bool setting_section_known(const char *section);

/* Can its value go on in further lines of the file? */
bool setting_is_list(const struct setting *s);

/* "lock_days", "lmtpd.listen"; caller frees. */
char *setting_name(const struct setting *s);

/* "STRONGROOM_LMTPD_LISTEN"; caller frees. */
char *setting_environment(const struct setting *s);

/* Reads text into c's member. -1 permanent: "lock_days: 99999 is over 36500". */
int setting_set(const struct setting *s, struct conf *c, const char *text, struct err *e) MUST_CHECK;

/* The value as one would write it in the file; caller frees. */
char *setting_get(const struct setting *s, const struct conf *c);

/* Frees c's member if it is a text. */
void setting_deinit(const struct setting *s, struct conf *c);

/* "Size, 64M by default, at least 1K, at most 2G."; caller frees. */
char *setting_describe(const struct setting *s);

#endif
