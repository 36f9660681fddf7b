/* conf: the settings of all programs, from one file (strongroom.conf, inih syntax) and the environment.
 *
 * Every setting stands once, in the table in conf_table.c: section, key, type, default, limits, environment variable, help.
 * Reading, checking, printing (`strongroom conf`) and the manual's completeness check all go by that table. An unknown
 * section or key, a key given twice and a bad value are refused with file and line. Read-only after loading. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_REQUIRED_WAIT_US INT64_C(10000000) /* index_required makes index_wait at least this */

/* Sizes in bytes ("64M"), durations in microseconds ("2s", "10m", "500ms"), lists separated by blanks or commas and kept
 * as text (strv_split at " ,"). Strings are never NULL; "" is unset. */
struct conf {
	/* no section */
	char *node;	       /* name of this machine in the ledger; default: host name */
	char *user;	       /* account to run as when started by root; "" stays */
	char *store;	       /* fs:DIR or s3:BUCKET */
	char *meta;	       /* sqlite:DIR or mysql:NAME */
	char *index;	       /* fts:FILE, es:ALIAS */
	char *cache;	       /* meta: or redis: */
	char *spool_dir;       /* temporary files without a name, and what exports that are built need */
	char *run_dir;	       /* lock and pid files, sockets */
	char *key_dir;	       /* signing and sealing keys, mode 0700 */
	char *log_level;
	uint64_t message_size_max;
	uint64_t recipients_max;
	uint64_t inflight_max; /* bytes of messages under way, a daemon */
	int64_t index_wait_us;
	bool index_required;
	uint64_t lock_days, lock_days_max;
	/* [s3] */
	char *s3_endpoint;	   /* "https://s3.example.org"; "": AWS in s3_region */
	char *s3_region, *s3_style; /* "auto", "path", "virtual" */
	char *s3_credentials_file; /* "": the environment has the keys */
	char *s3_ca_file;
	char *s3_sse, *s3_sse_kms_key; /* "none", "AES256", "aws:kms" */
	int64_t s3_connect_timeout_us, s3_timeout_us;
	/* [parser] */
	char *parser_program;
	uint64_t parser_workers;
	int64_t parser_timeout_us;
	uint64_t parser_memory_max;
	/* [mysql] */
	char *mysql_host;
	uint64_t mysql_port;
	char *mysql_socket;    /* instead of host and port */
	char *mysql_user;
	char *mysql_password_file;
	char *mysql_tls;       /* auto, always, never */
	char *mysql_tls_ca;
	char *mysql_replica;   /* "host:port" */
	int64_t mysql_connect_timeout_us, mysql_timeout_us;
	/* [lmtpd] */
	char *lmtpd_listen;    /* "unix:/run/strongroom/lmtp.sock inet:127.0.0.1:2424" */
	char *lmtpd_point;     /* capture point */
	bool lmtpd_journal;    /* never answers 5xx */
	char *lmtpd_peers;     /* networks that may connect over TCP: "127.0.0.0/8 ::1" */
	uint64_t lmtpd_connections_max;
	int64_t lmtpd_timeout_us;
	char *lmtpd_tls_cert, *lmtpd_tls_key, *lmtpd_tls_client_ca;
	bool lmtpd_tls_required;
	char *lmtpd_metrics; /* where Prometheus reads: one address; "": nowhere */
	/* [milter] */
	char *milter_listen;   /* one: "unix:/run/strongroom/milter.sock" or "inet:127.0.0.1:2425" */
	char *milter_point;
	int64_t milter_timeout_us;
	char *milter_metrics;
	/* [queryd] */
	char *queryd_listen;   /* "127.0.0.1:8443" */
	char *queryd_tls_cert, *queryd_tls_key;
	char *queryd_ingest_lmtp; /* "": the first of lmtpd_listen */
	char *queryd_client_listen, *queryd_tls_client_ca; /* "": no client certificates */
	char *queryd_tls_client_crl;
	int64_t queryd_token_us;	   /* life of an access token */
	int64_t queryd_session_us;	   /* of a session and its refresh tokens */
	int64_t queryd_mfa_session_us;	   /* how long a second factor counts; env MFA_SESSION_MINUTES */
	uint64_t queryd_password_min;	   /* characters */
	char *queryd_password_deny_file;
	int64_t queryd_request_timeout_us; /* deadline of a request */
	uint64_t queryd_connections_max, queryd_connections_per_address_max;
	uint64_t queryd_signin_per_address_max, queryd_signin_per_user_max; /* in five minutes */
	uint64_t queryd_searches_per_user_max, queryd_reads_per_user_max, queryd_exports_per_user_max; /* the same */
	uint64_t queryd_administration_per_user_max, queryd_requests_per_token_max, queryd_requests_per_address_max;
	uint64_t queryd_searches_at_once, queryd_searches_waiting_max;
	char *queryd_metrics;
	/* [oidc] */
	char *oidc_issuer; /* "": nobody signs in through a provider */
	char *oidc_client_id, *oidc_client_secret_file, *oidc_redirect_url, *oidc_ca_file, *oidc_scopes;
	char *oidc_account_claim, *oidc_groups_claim; /* the latter "": no groups are read */
	char *oidc_roles; /* conf/role_map.h; "": roles are given here, not there */
	bool oidc_provision;
	char *oidc_second_factor; /* "totp", "provider" */
	char *oidc_strong_acr, *oidc_strong_amr; /* words, with blanks between them */
	/* [es] */
	char *es_hosts;	       /* "https://es1:9200 https://es2:9200" */
	char *es_user, *es_password_file, *es_api_key_file, *es_ca_file;
	uint64_t es_shards, es_replicas;
	int64_t es_connect_timeout_us, es_timeout_us;
	/* [redis] */
	char *redis_url; /* env REDIS_URL */
	char *redis_user, *redis_password_file, *redis_ca_file, *redis_prefix;
	int64_t redis_timeout_us;
	/* [directory] */
	char *directory_uri;	   /* "ldaps://dc1.example.org ldaps://dc2.example.org"; "": none */
	char *directory_ca_file, *directory_bind_dn, *directory_password_file;
	char *directory_base, *directory_filter;
	char *directory_mail_attributes; /* names, separated as a list */
	char *directory_department_attribute, *directory_group_base;
	bool directory_nested_groups;
	uint64_t directory_remove_max; /* percent */
	int64_t directory_timeout_us;
	/* [workerd] */
	int64_t workerd_outbox_interval_us;
	char *workerd_audit_file, *workerd_audit_syslog; /* "": the audit is not sent there */
	bool workerd_audit_syslog_tls;
	char *workerd_audit_syslog_ca; /* "": the authorities that the system trusts */
	int64_t workerd_audit_interval_us;
	char *workerd_postfix_log; /* "": none is followed */
	int64_t workerd_postfix_interval_us, workerd_postfix_grace_us;
	int64_t workerd_export_interval_us, workerd_export_keep_us;
	uint64_t workerd_export_rate; /* bytes a second; 0: as fast as it goes */
	int64_t workerd_reconcile_interval_us, workerd_reconcile_grace_us, workerd_reconcile_full_us;
	char *workerd_metrics;
};

/* The local directory or file that a backend setting ("fs:/var/lib/x") names, NULL for one at a server ("s3:bucket"). A
 * view. */
const char *conf_local_path(const char *backend);

/* How long a reply waits for the index at most: index_wait, or longer where no reply goes without it. */
static inline int64_t conf_reply_wait_us(const struct conf *c)
{
	return c->index_required && c->index_wait_us < CONF_REQUIRED_WAIT_US ? CONF_REQUIRED_WAIT_US : c->index_wait_us;
}

/* path NULL: the environment variable STRONGROOM_CONF, else /etc/strongroom/strongroom.conf. -1 permanent:
 * "strongroom.conf:12: lock_days: 99999 is over 36500". */
int conf_load(struct conf *c_r, const char *path, struct err *e) MUST_CHECK;

/* The defaults and the environment alone, for tests. */
int conf_load_defaults(struct conf *c_r, struct err *e) MUST_CHECK;
void conf_deinit(struct conf *c);

/* Adds the names of the settings in which a and b differ ("lmtpd.listen"): for a reload, which can't change them all. */
void conf_compare(const struct conf *a, const struct conf *b, struct strv *names);

/* Effective settings as a file that could be loaded again; with `help`, each behind its help, type, default and limits. */
void conf_print(const struct conf *c, FILE *out, bool help);

#endif
