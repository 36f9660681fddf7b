/* postfix_config: Postfix's settings as postconf(1) prints them. Pure: reads text. */
#ifndef CLI_POSTFIX_CONFIG_H
#define CLI_POSTFIX_CONFIG_H

#include "base/strv.h"

struct postfix_service {
	char *name;    /* "smtp", "127.0.0.1:10025" */
	char *type;    /* "inet", "unix", "pass" … */
	char *command; /* "smtpd" */
	bool chroot;
};

struct postfix_config {
	struct strv main;      /* "name = value" */
	struct strv overrides; /* "service/type/name = value" */
	struct postfix_service *services;
	size_t service_count;
};

/* main: `postconf -x`; services: `postconf -M`; overrides: `postconf -P -x`. */
void postfix_config_read(struct postfix_config *c_r, const char *main, const char *services, const char *overrides);
void postfix_config_deinit(struct postfix_config *c);

/* A setting of main.cf or its default, "" when there is none; caller frees. */
char *postfix_main(const struct postfix_config *c, const char *name);

/* What a service's `-o name=value` sets, NULL when it sets nothing; caller frees. */
char *postfix_override(const struct postfix_config *c, const struct postfix_service *s, const char *name);

/* The setting in effect for a service; caller frees. */
char *postfix_effective(const struct postfix_config *c, const struct postfix_service *s, const char *name);

/* One milter of a list such as smtpd_milters: "inet:host:port" or "{ inet:host:port, default_action=accept }". */
struct postfix_milter {
	char *address;
	struct strv settings; /* "default_action=accept" */
};

struct postfix_milters {
	struct postfix_milter *items;
	size_t n;
};

void postfix_milters_read(struct postfix_milters *m_r, const char *value);
void postfix_milters_deinit(struct postfix_milters *m);

/* A milter's own setting, a view; NULL when it has none. */
const char *postfix_milter_setting(const struct postfix_milter *m, const char *name);

#endif
