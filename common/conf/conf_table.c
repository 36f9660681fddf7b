/* Every setting of every program. What is not here does not exist: reading, checking, printing, help and the check of
 * the manual go by this table. */
#include "conf/setting.h"

#include <stddef.h>

#ifndef STRONGROOM_LIBEXEC
#define STRONGROOM_LIBEXEC "/usr/local/libexec/strongroom"
#endif

#define IN(member) .offset = offsetof(struct conf, member)

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define TEXT_MAX 160 /* with its key it fits a line of the file */
#define LIST_MAX 8192
#define NAME_MAX_BYTES 64

#define METRICS_HELP                                                                                                    \
	"Where Prometheus reads this daemon's metrics over plain HTTP, as /metrics: unix:/PATH or inet:HOST:PORT. They are " \
	"about no message and no person; all the same only the monitoring should reach them. Empty: nowhere."

const struct setting settings[] = {
	{ "", "node", SETTING_NAME, IN(node), .standard = NULL, .min = 1, .max = NAME_MAX_BYTES,
		.help = "Name of this machine in the ledger: a daemon is known there as its name, '@' and this. "
			"It must be unique in the installation and must not change. The default is the host name." },
	{ "", "user", SETTING_NAME, IN(user), .standard = "strongroom", .max = NAME_MAX_BYTES,
		.help = "Account that a program started by root changes to for good. Empty: it stays root. "
			"A program not started by root keeps the account it has." },
	{ "", "store", SETTING_BACKEND, IN(store), .standard = "fs:/var/lib/strongroom/store", .words = "fs s3",
		.min = 1, .max = TEXT_MAX,
		.help = "Where the bytes of messages are kept. fs:DIRECTORY keeps one read-only file a message "
			"below a local directory. s3:BUCKET keeps one locked object a message in a bucket with "
			"Object Lock; see the section s3." },
	{ "", "meta", SETTING_BACKEND, IN(meta), .standard = "sqlite:/var/lib/strongroom/meta",
		.words = "sqlite mysql", .min = 1, .max = TEXT_MAX, .alias = "DB_NAME", .alias_kind = "mysql:",
		.help = "The database of record. sqlite:DIRECTORY keeps it in files in a local directory, which must "
			"not be on a network file system. mysql:NAME keeps it in the databases NAME_capture and "
			"NAME_control of the MySQL or MariaDB server of section mysql." },
	{ "", "index", SETTING_BACKEND, IN(index), .standard = "fts:/var/lib/strongroom/index/index.db",
		.words = "fts es", .min = 1, .max = TEXT_MAX,
		.help = "The search index. fts:FILE keeps it in one local file. es:ALIAS keeps it at a cluster of "
			"Elasticsearch 8 or OpenSearch 2, or later (section [es]), in one index for each month; es: alone "
			"stands for es:emails_archive. It holds nothing that `strongroom reindex` can't build again." },
	{ "", "cache", SETTING_BACKEND, IN(cache), .standard = "meta:", .words = "meta redis", .min = 1, .max = TEXT_MAX,
		.help = "What several machines share for a short time: how often somebody tried to sign in, which sessions "
			"have ended, and that there is something to do. meta: keeps it in the database; redis: in a Redis "
			"(section redis). While that does not answer, the database does its work." },
	{ "", "spool_dir", SETTING_PATH, IN(spool_dir), .standard = "/var/lib/strongroom/spool", .min = 1,
		.max = TEXT_MAX,
		.help = "Directory for messages over 256 KiB while they are received, in files without a name of "
			"which nothing is left after a crash, and, in exports, for what strongroom-workerd needs to go on "
			"with an export after one." },
	{ "", "run_dir", SETTING_PATH, IN(run_dir), .standard = "/run/strongroom", .min = 1, .max = TEXT_MAX,
		.help = "Directory for process id files and locks." },
	{ "", "key_dir", SETTING_PATH, IN(key_dir), .standard = "/etc/strongroom/keys", .min = 1, .max = TEXT_MAX,
		.help = "Directory of the signing and sealing keys, of mode 0700. Back it up apart from the data: "
			"without it nobody can sign in with a one-time password." },
	{ "", "log_level", SETTING_CHOICE, IN(log_level), .standard = "info", .words = "debug info warn error",
		.min = 1, .max = TEXT_MAX,
		.help = "The least severe kind of line that the daemons log. The log goes to standard error, one "
			"JSON object a line." },
	{ "", "message_size_max", SETTING_SIZE, IN(message_size_max), .standard = "64M", .min = KIB,
		.max = 2 * GIB,
		.help = "Largest message that is archived. It should not be under the limit of the mail system "
			"(message_size_limit of Postfix), which must not accept what can't be archived." },
	{ "", "recipients_max", SETTING_NUMBER, IN(recipients_max), .standard = "10000", .min = 100, .max = 1000000,
		.help = "Most recipients of one transaction." },
	{ "", "inflight_max", SETTING_SIZE, IN(inflight_max), .standard = "256M", .min = KIB, .max = 1024 * GIB,
		.help = "Most bytes of messages that one daemon has under way, in memory and in the spool directory. "
			"Further transactions are put off with 451 until there is room." },
	{ "", "index_wait", SETTING_DURATION, IN(index_wait_us), .standard = "25ms", .max = MINUTE,
		.help = "How long a reply waits for the message to become searchable. After that, or with the index "
			"down, the reply is given all the same and the message is indexed later. So it is, without "
			"waiting, where messages follow each other closely." },
	{ "", "index_required", SETTING_BOOL, IN(index_required), .standard = "no",
		.help = "Accept no message that could not be indexed at once: it is put off with 451 instead. Each reply "
			"waits for the index then, for up to 10 seconds or index_wait, whichever is longer." },
	{ "", "lock_days", SETTING_NUMBER, IN(lock_days), .standard = "2557", .min = 1, .max = 36500,
		.help = "For how many days from its reception a message is locked against deletion. The default is "
			"seven years. A lock can be extended, never shortened: raise this with care." },
	{ "", "lock_days_max", SETTING_NUMBER, IN(lock_days_max), .standard = "3653", .min = 1, .max = 36500,
		.help = "No lock is made for more days than this, whatever asks for it. It guards against a slip of "
			"the pen that would lock messages for a century." },

	{ "s3", "endpoint", SETTING_TEXT, IN(s3_endpoint), .standard = "", .max = TEXT_MAX, .alias = "S3_ENDPOINT",
		.help = "Where the object store answers: https://HOST, or with :PORT. Plain http:// is for a store on the "
			"same machine or a network that nobody else can listen to. Empty: AWS, in the region." },
	{ "s3", "region", SETTING_NAME, IN(s3_region), .standard = "us-east-1", .min = 1, .max = NAME_MAX_BYTES,
		.alias = "S3_REGION", .help = "Region of the bucket. Other stores than AWS mostly take the default." },
	{ "s3", "style", SETTING_CHOICE, IN(s3_style), .standard = "auto", .words = "auto path virtual", .min = 1,
		.max = TEXT_MAX,
		.help = "Where a request names the bucket: path is https://HOST/BUCKET/, virtual is https://BUCKET.HOST/. "
			"With auto it is virtual at AWS and path elsewhere." },
	{ "s3", "credentials_file", SETTING_PATH, IN(s3_credentials_file), .standard = "", .max = TEXT_MAX,
		.help = "File with the keys of the account, as the tools of AWS have it: lines aws_access_key_id, "
			"aws_secret_access_key and, for a session, aws_session_token, behind [default]. It must be closed "
			"to other accounts of the machine. It may be replaced at any time. The variables S3_ACCESS_KEY, "
			"S3_SECRET_KEY and S3_SESSION_TOKEN of the environment take its place." },
	{ "s3", "ca_file", SETTING_PATH, IN(s3_ca_file), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that the store's must come from. Empty: those that the "
			"system trusts." },
	{ "s3", "sse", SETTING_CHOICE, IN(s3_sse), .standard = "none", .words = "none AES256 aws:kms", .min = 1,
		.max = TEXT_MAX,
		.help = "What encryption at rest is asked for with each object. `strongroom check` says whether the store "
			"does it. With none it is left to the bucket's own setting." },
	{ "s3", "sse_kms_key", SETTING_TEXT, IN(s3_sse_kms_key), .standard = "", .max = TEXT_MAX,
		.help = "Key of aws:kms by its id or ARN. Empty: the bucket's own. Losing that key loses the archive." },
	{ "s3", "connect_timeout", SETTING_DURATION, IN(s3_connect_timeout_us), .standard = "5s", .min = 100 * MS,
		.max = 5 * MINUTE, .help = "How long a new connection to the store may take, TLS included." },
	{ "s3", "timeout", SETTING_DURATION, IN(s3_timeout_us), .standard = "30s", .min = SECOND, .max = 10 * MINUTE,
		.help = "How long the store may be silent in the middle of a request, and for how long one that may be "
			"repeated is tried again." },

	{ "parser", "program", SETTING_PATH, IN(parser_program), .standard = STRONGROOM_LIBEXEC "/strongroom-parser",
		.min = 1, .max = TEXT_MAX,
		.help = "The program that reads messages in a sandbox. Each daemon starts its own workers." },
	{ "parser", "workers", SETTING_NUMBER, IN(parser_workers), .standard = "2", .min = 1, .max = 256,
		.help = "Parser workers of each daemon. More than the machine has processors gains nothing." },
	{ "parser", "timeout", SETTING_DURATION, IN(parser_timeout_us), .standard = "10s", .min = 100 * MS,
		.max = 10 * MINUTE,
		.help = "How long a worker may take over one message. A message that takes longer is archived, "
			"marked, and searchable by its envelope alone." },
	{ "parser", "memory_max", SETTING_SIZE, IN(parser_memory_max), .standard = "512M", .min = 64 * MIB,
		.max = 64 * GIB,
		.help = "Address space of a worker. It must hold the largest message a few times." },

	{ "mysql", "host", SETTING_TEXT, IN(mysql_host), .standard = "127.0.0.1", .min = 1, .max = TEXT_MAX,
		.alias = "DB_HOST",
		.help = "Name or address of the database server. Its certificate must be for this name." },
	{ "mysql", "port", SETTING_NUMBER, IN(mysql_port), .standard = "3306", .min = 1, .max = 65535,
		.alias = "DB_PORT", .help = "TCP port of the database server." },
	{ "mysql", "socket", SETTING_PATH, IN(mysql_socket), .standard = "", .max = TEXT_MAX,
		.help = "Unix socket of a database server on this machine, instead of host and port." },
	{ "mysql", "user", SETTING_TEXT, IN(mysql_user), .standard = "strongroom", .min = 1, .max = NAME_MAX_BYTES,
		.alias = "DB_USER",
		.help = "Account at the database server. Give each program one of its own, in its environment: the file "
			"grants.mysql.sql says what each may do." },
	{ "mysql", "password_file", SETTING_PATH, IN(mysql_password_file), .standard = "", .max = TEXT_MAX,
		.alias = "DB_PASSWORD_FILE",
		.help = "File whose first line is the password of that account, closed to other accounts of the machine. "
			"The environment variable DB_PASSWORD takes its place. It is read at each connection." },
	{ "mysql", "tls", SETTING_CHOICE, IN(mysql_tls), .standard = "auto", .words = "auto always never", .min = 1,
		.max = TEXT_MAX,
		.help = "When connections over TCP are encrypted, and the server's certificate and name checked. auto: always "
			"but to this machine's own addresses while tls_ca is not set. never: not even to other machines, "
			"which is for a network that nobody else can listen on." },
	{ "mysql", "tls_ca", SETTING_PATH, IN(mysql_tls_ca), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that the server's certificate must come from. Empty: those "
			"that the system trusts." },
	{ "mysql", "replica", SETTING_HOST_PORT, IN(mysql_replica), .standard = "", .max = TEXT_MAX,
		.help = "HOST:PORT of a replica that search and reading of messages ask first, with the same account. "
			"While it does not answer the primary is asked. Empty: there is none." },
	{ "mysql", "connect_timeout", SETTING_DURATION, IN(mysql_connect_timeout_us), .standard = "5s", .min = SECOND,
		.max = MINUTE, .help = "How long connecting to the server may take." },
	{ "mysql", "timeout", SETTING_DURATION, IN(mysql_timeout_us), .standard = "30s", .min = SECOND, .max = HOUR,
		.help = "How long the server may take for one answer. A commit that takes longer counts as unknown, and is "
			"looked up." },

	{ "lmtpd", "listen", SETTING_ADDRESSES, IN(lmtpd_listen), .standard = "unix:/run/strongroom/lmtp.sock",
		.min = 1, .max = LIST_MAX,
		.help = "Where strongroom-lmtpd listens: any number of unix:/PATH and inet:HOST:PORT, an IPv6 address "
			"in brackets. Sockets handed over by systemd take their place." },
	{ "lmtpd", "point", SETTING_NAME, IN(lmtpd_point), .standard = "lmtp", .min = 1, .max = NAME_MAX_BYTES,
		.help = "Name of this capture point in records and search results." },
	{ "lmtpd", "journal", SETTING_BOOL, IN(lmtpd_journal), .standard = "no",
		.help = "This is the end of a journal: never answer 5xx. What can't be archived as things are is put "
			"off with 4xx and an error in the log that says what to do, so that the mail server keeps it "
			"and returns nothing to the sender. Set it for always_bcc of Postfix and for journal reports." },
	{ "lmtpd", "peers", SETTING_NETWORKS, IN(lmtpd_peers), .standard = "127.0.0.0/8 ::1", .max = LIST_MAX,
		.help = "Addresses and networks that may connect over TCP. Whoever can deliver here can put mail into "
			"the archive that never passed the mail system." },
	{ "lmtpd", "connections_max", SETTING_NUMBER, IN(lmtpd_connections_max), .standard = "200", .min = 1,
		.max = 10000,
		.help = "Most connections at a time. Further ones are answered 421." },
	{ "lmtpd", "timeout", SETTING_DURATION, IN(lmtpd_timeout_us), .standard = "5m", .min = SECOND, .max = HOUR,
		.help = "How long a client may take for a command, and be silent in a message. A message may take longer "
			"as long as it brings 500 bytes a second. RFC 5321 asks for five minutes." },
	{ "lmtpd", "tls_cert", SETTING_PATH, IN(lmtpd_tls_cert), .standard = "", .max = TEXT_MAX,
		.help = "Certificate chain (PEM) for STARTTLS. Empty: STARTTLS is not offered." },
	{ "lmtpd", "tls_key", SETTING_PATH, IN(lmtpd_tls_key), .standard = "", .max = TEXT_MAX,
		.help = "Private key (PEM) of that certificate." },
	{ "lmtpd", "tls_client_ca", SETTING_PATH, IN(lmtpd_tls_client_ca), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that client certificates must come from. With it a "
			"client that starts TLS must show one. Empty: none is asked for." },
	{ "lmtpd", "tls_required", SETTING_BOOL, IN(lmtpd_tls_required), .standard = "no",
		.help = "Take mail over TCP only after STARTTLS." },
	{ "lmtpd", "metrics", SETTING_ADDRESS, IN(lmtpd_metrics), .standard = "", .max = TEXT_MAX,
		.help = METRICS_HELP },

	{ "milter", "listen", SETTING_ADDRESS, IN(milter_listen), .standard = "unix:/run/strongroom/milter.sock",
		.min = 1, .max = TEXT_MAX,
		.help = "Where strongroom-milter listens: one unix:/PATH or inet:HOST:PORT. Prefer a Unix socket: "
			"on it the mail server waits for fewer answers." },
	{ "milter", "point", SETTING_NAME, IN(milter_point), .standard = "milter", .min = 1, .max = NAME_MAX_BYTES,
		.help = "Name of this capture point in records and search results." },
	{ "milter", "timeout", SETTING_DURATION, IN(milter_timeout_us), .standard = "2h", .min = 10 * SECOND,
		.max = DAY,
		.help = "How long a silent mail server is waited for. It must be longer than the server waits for "
			"its own clients, or connections break in the middle of a session." },
	{ "milter", "metrics", SETTING_ADDRESS, IN(milter_metrics), .standard = "", .max = TEXT_MAX,
		.help = METRICS_HELP },

	{ "queryd", "listen", SETTING_HOST_PORT, IN(queryd_listen), .standard = "127.0.0.1:8443", .min = 1,
		.max = TEXT_MAX,
		.help = "Where strongroom-queryd listens for HTTPS: HOST:PORT, an IPv6 address in brackets." },
	{ "queryd", "tls_cert", SETTING_PATH, IN(queryd_tls_cert), .standard = "/etc/strongroom/tls/queryd.crt",
		.min = 1, .max = TEXT_MAX,
		.help = "Certificate chain (PEM) of strongroom-queryd. `strongroom init --trial-tls NAME` makes "
			"one to begin with." },
	{ "queryd", "tls_key", SETTING_PATH, IN(queryd_tls_key), .standard = "/etc/strongroom/tls/queryd.key",
		.min = 1, .max = TEXT_MAX, .help = "Private key (PEM) of that certificate." },
	{ "queryd", "client_listen", SETTING_HOST_PORT, IN(queryd_client_listen), .standard = "", .max = TEXT_MAX,
		.help = "Where strongroom-queryd listens for programs besides: HOST:PORT. Here every client must show a certificate "
			"that comes from tls_client_ca; the tokens of service accounts are good here alone. Empty: nowhere." },
	{ "queryd", "tls_client_ca", SETTING_PATH, IN(queryd_tls_client_ca), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that client certificates must come from." },
	{ "queryd", "tls_client_crl", SETTING_PATH, IN(queryd_tls_client_crl), .standard = "", .max = TEXT_MAX,
		.help = "Lists of revoked certificates (PEM) of these authorities: who shows one is refused, and with a list whose "
			"time is over everybody whom it could name. SIGHUP reads it again. Empty: none." },
	{ "queryd", "ingest_lmtp", SETTING_ADDRESS, IN(queryd_ingest_lmtp), .standard = "", .max = TEXT_MAX,
		.help = "Where strongroom-lmtpd listens for what programs hand in over HTTPS: unix:/PATH or inet:HOST:PORT, without "
			"TLS. Empty: the first address of lmtpd.listen." },
	{ "queryd", "token_life", SETTING_DURATION, IN(queryd_token_us), .standard = "10m", .min = MINUTE, .max = DAY,
		.help = "The life of an access token. With the refresh token that came with it the next one is got, without signing in "
			"again." },
	{ "queryd", "session_life", SETTING_DURATION, IN(queryd_session_us), .standard = "12h", .min = MINUTE, .max = 30 * DAY,
		.help = "How long somebody stays signed in at most: the life of a session and of its refresh tokens. Then the password "
			"and the second factor are asked for again." },
	{ "queryd", "mfa_session", SETTING_DURATION, IN(queryd_mfa_session_us), .standard = "1h", .min = MINUTE, .max = DAY,
		.alias = "MFA_SESSION_MINUTES", .alias_unit = "m",
		.help = "How long a second factor counts. When the last one is older, searching, reading, exporting, holds and "
			"administration ask for another one (POST /api/v1/auth/step-up)." },
	{ "queryd", "password_min", SETTING_NUMBER, IN(queryd_password_min), .standard = "12", .min = 8, .max = 128,
		.help = "Characters that a new password has at least. Which kinds of characters is nobody's business." },
	{ "queryd", "password_deny_file", SETTING_PATH, IN(queryd_password_deny_file), .standard = "", .max = TEXT_MAX,
		.help = "Passwords that are not taken, one on each line, beside those that come with the program: the names of one's "
			"company and products." },
	{ "queryd", "request_timeout", SETTING_DURATION, IN(queryd_request_timeout_us), .standard = "1m",
		.min = SECOND, .max = HOUR,
		.help = "How long one request may take from its first byte until its answer is sent." },
	{ "queryd", "connections_max", SETTING_NUMBER, IN(queryd_connections_max), .standard = "500", .min = 1,
		.max = 10000, .help = "Most connections at a time." },
	{ "queryd", "connections_per_address_max", SETTING_NUMBER, IN(queryd_connections_per_address_max),
		.standard = "100", .min = 1, .max = 10000,
		.help = "Most connections at a time from one address." },
	{ "queryd", "signin_per_address_max", SETTING_NUMBER, IN(queryd_signin_per_address_max), .standard = "300",
		.min = 1, .max = 1000000,
		.help = "How often a password may be sent from one address within five minutes, over all replicas. "
			"Further ones are answered 429." },
	{ "queryd", "signin_per_user_max", SETTING_NUMBER, IN(queryd_signin_per_user_max), .standard = "30", .min = 1,
		.max = 1000000,
		.help = "The same for one user name, whether there is such a user or not. From a network from which the user "
			"has signed in within 90 days the tries are counted apart, so that nobody elsewhere can keep the user "
			"out." },
	{ "queryd", "searches_per_user_max", SETTING_NUMBER, IN(queryd_searches_per_user_max), .standard = "100000",
		.min = 1, .max = 1000000000,
		.help = "How many searches one account may make within five minutes, over all replicas. Further "
			"ones are answered 429, with the time after which to go on." },
	{ "queryd", "reads_per_user_max", SETTING_NUMBER, IN(queryd_reads_per_user_max), .standard = "300000",
		.min = 1, .max = 1000000000,
		.help = "The same for messages and attachments that are read." },
	{ "queryd", "exports_per_user_max", SETTING_NUMBER, IN(queryd_exports_per_user_max), .standard = "10000",
		.min = 1, .max = 1000000000,
		.help = "The same for requests about exports." },
	{ "queryd", "administration_per_user_max", SETTING_NUMBER, IN(queryd_administration_per_user_max), .standard = "100000",
		.min = 1, .max = 1000000000,
		.help = "The same for everything else: accounts, cases, holds, retention, audit." },
	{ "queryd", "requests_per_token_max", SETTING_NUMBER, IN(queryd_requests_per_token_max), .standard = "400000",
		.min = 1, .max = 1000000000,
		.help = "The same for all requests of one session." },
	{ "queryd", "requests_per_address_max", SETTING_NUMBER, IN(queryd_requests_per_address_max), .standard = "2000000",
		.min = 1, .max = 1000000000,
		.help = "The same for all requests that want a token, good or not, or that sign in, from one address, or "
			"64 bits of it for IPv6. Behind a proxy that is one address for everybody." },
	{ "queryd", "searches_at_once", SETTING_NUMBER, IN(queryd_searches_at_once), .standard = "64",
		.min = 2, .max = 10000,
		.help = "How many searches run at a time in this daemon. Who comes next is decided by account: "
			"that with the fewest running goes first, and none has more than half." },
	{ "queryd", "searches_waiting_max", SETTING_NUMBER, IN(queryd_searches_waiting_max), .standard = "200",
		.min = 1, .max = 10000,
		.help = "How many searches of one account may wait for their turn. Further ones are answered 429; "
			"one that has waited for half of request_timeout is answered 503." },
	{ "queryd", "metrics", SETTING_ADDRESS, IN(queryd_metrics), .standard = "", .max = TEXT_MAX,
		.help = METRICS_HELP },

	{ "oidc", "issuer", SETTING_TEXT, IN(oidc_issuer), .standard = "", .max = TEXT_MAX,
		.help = "The OpenID provider through which people sign in: its issuer, just as it writes that itself, as in "
			"https://id.example.org/realms/staff. Empty: nobody signs in so." },
	{ "oidc", "client_id", SETTING_TEXT, IN(oidc_client_id), .standard = "", .max = TEXT_MAX,
		.help = "What the archive is called at the provider, where it is registered as a confidential client of the "
			"authorization code flow." },
	{ "oidc", "client_secret_file", SETTING_PATH, IN(oidc_client_secret_file), .standard = "", .max = TEXT_MAX,
		.help = "File with the secret of that client in its first line, which other accounts can't read. It may be replaced "
			"at any time." },
	{ "oidc", "redirect_url", SETTING_TEXT, IN(oidc_redirect_url), .standard = "", .max = TEXT_MAX,
		.help = "To where the provider sends the browser back, as it is registered there: "
			"https://HOST/api/v1/auth/oidc/callback, by the name that browsers know strongroom-queryd under." },
	{ "oidc", "ca_file", SETTING_PATH, IN(oidc_ca_file), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that the provider's must come from. Empty: those that the "
			"system trusts." },
	{ "oidc", "scopes", SETTING_TEXT, IN(oidc_scopes), .standard = "openid profile email", .min = 1, .max = TEXT_MAX,
		.help = "What the provider is asked for, openid among it." },
	{ "oidc", "account_claim", SETTING_TEXT, IN(oidc_account_claim), .standard = "email", .min = 1, .max = TEXT_MAX,
		.help = "Which member of the ID token, or else of the userinfo endpoint's answer, says the name of somebody's "
			"account when it is linked, at the first sign-in: email, which the provider must have verified, or "
			"preferred_username, upn, … From then on the provider's own subject identifier alone counts. It must be "
			"a name that users can't choose for themselves." },
	{ "oidc", "groups_claim", SETTING_TEXT, IN(oidc_groups_claim), .standard = "groups", .max = TEXT_MAX,
		.help = "Which member of the ID token, or else of the userinfo endpoint's answer, lists the groups that somebody "
			"is in." },
	{ "oidc", "roles", SETTING_ROLES, IN(oidc_roles), .standard = "", .max = LIST_MAX,
		.help = "Which groups give which roles: ROLE:GROUP, any number of both. Whoever signs in through the provider has "
			"just the roles of his groups from then on, whatever he had before. In a group's name a blank, a comma, "
			"a ';' and a '%' are written as %20, %2C, %3B and %25. Empty: roles are given by administrators here." },
	{ "oidc", "provision", SETTING_BOOL, IN(oidc_provision), .standard = "no",
		.help = "Whether somebody who has no account gets one at the first sign-in, when his groups give him a role. Its "
			"scope is nothing until an administrator sets one. With no an administrator adds the account first." },
	{ "oidc", "second_factor", SETTING_CHOICE, IN(oidc_second_factor), .standard = "totp", .words = "totp provider", .min = 1,
		.max = TEXT_MAX,
		.help = "What counts as the second factor: with totp a one-time code is asked for here, whatever the provider has "
			"asked for; with provider that is left out when the ID token says by strong_acr or strong_amr that "
			"the provider has asked for one, mfa_session ago at most." },
	{ "oidc", "strong_acr", SETTING_TEXT, IN(oidc_strong_acr), .standard = "", .max = TEXT_MAX,
		.help = "Values of acr by which the ID token says so, with blanks between them; with second_factor = provider they "
			"are asked for as acr_values." },
	{ "oidc", "strong_amr", SETTING_TEXT, IN(oidc_strong_amr), .standard = "mfa", .max = TEXT_MAX,
		.help = "Values of amr by which the ID token says so: any of them will do." },

	{ "es", "hosts", SETTING_URLS, IN(es_hosts), .standard = "", .max = LIST_MAX, .alias = "ES_HOSTS",
		.help = "The cluster's hosts, as https://HOST:9200, any number. One that does not answer is left "
			"alone for a while, and the next one asked." },
	{ "es", "user", SETTING_TEXT, IN(es_user), .standard = "", .max = TEXT_MAX,
		.help = "Account at the cluster. Empty: none. It needs the privileges that strongroom(7) lists." },
	{ "es", "password_file", SETTING_PATH, IN(es_password_file), .standard = "", .max = TEXT_MAX,
		.help = "File with that account's password in its first line, which other accounts can't read." },
	{ "es", "api_key_file", SETTING_PATH, IN(es_api_key_file), .standard = "", .max = TEXT_MAX,
		.help = "File with an API key in its first line, encoded or as ID:KEY. It takes the place of user and "
			"password." },
	{ "es", "ca_file", SETTING_PATH, IN(es_ca_file), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that the hosts' certificates must come from. Empty: "
			"those that the system trusts." },
	{ "es", "shards", SETTING_NUMBER, IN(es_shards), .standard = "6", .min = 1, .max = 1024,
		.help = "Primary shards of each month's index. It counts for indices made from then on." },
	{ "es", "replicas", SETTING_NUMBER, IN(es_replicas), .standard = "1", .max = 16,
		.help = "Copies of each shard besides the primary. It counts for indices made from then on. A cluster of "
			"one node takes 0." },
	{ "es", "connect_timeout", SETTING_DURATION, IN(es_connect_timeout_us), .standard = "2s", .min = 100 * MS,
		.max = MINUTE, .help = "How long a host may take to accept a connection." },
	{ "es", "timeout", SETTING_DURATION, IN(es_timeout_us), .standard = "20s", .min = SECOND, .max = 10 * MINUTE,
		.help = "How long a host may take to answer a request." },

	{ "redis", "url", SETTING_TEXT, IN(redis_url), .standard = "redis://127.0.0.1:6379", .min = 1, .max = TEXT_MAX,
		.alias = "REDIS_URL",
		.help = "Where Redis 6 or later listens: redis://HOST:PORT, rediss://HOST:PORT with TLS, or unix:/PATH; the "
			"number of a database may follow, as in redis://HOST:PORT/2. No password stands here." },
	{ "redis", "user", SETTING_TEXT, IN(redis_user), .standard = "", .max = TEXT_MAX,
		.help = "Account at Redis. Empty: its default account." },
	{ "redis", "password_file", SETTING_PATH, IN(redis_password_file), .standard = "", .max = TEXT_MAX,
		.help = "File with that account's password in its first line, which other accounts can't read. Empty: none." },
	{ "redis", "ca_file", SETTING_PATH, IN(redis_ca_file), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that Redis' certificate must come from. Empty: those that the "
			"system trusts." },
	{ "redis", "prefix", SETTING_NAME, IN(redis_prefix), .standard = "strongroom", .min = 1, .max = NAME_MAX_BYTES,
		.help = "What the names of all keys begin with: for installations that share a Redis." },
	{ "redis", "timeout", SETTING_DURATION, IN(redis_timeout_us), .standard = "250ms", .min = 10 * MS, .max = 10 * SECOND,
		.help = "How long Redis may take to connect and to answer. After that it counts as down, and is tried again "
			"a second later." },

	{ "directory", "uri", SETTING_TEXT, IN(directory_uri), .standard = "", .max = TEXT_MAX,
		.help = "LDAP servers that `strongroom directory sync` asks, in turn until one answers: ldaps://HOST or ldap://HOST, "
			"with :PORT where it is another one. With ldap:// the connection changes to TLS before anything is said "
			"(StartTLS); nothing ever goes in the clear. Empty: none." },
	{ "directory", "ca_file", SETTING_PATH, IN(directory_ca_file), .standard = "", .max = TEXT_MAX,
		.help = "Certificates (PEM) of the authorities that the servers' certificates must come from. Empty: those that "
			"the system trusts." },
	{ "directory", "bind_dn", SETTING_TEXT, IN(directory_bind_dn), .standard = "", .max = TEXT_MAX,
		.help = "Account at the directory; a user principal name does with Active Directory. It needs to read, no more. "
			"Empty: none." },
	{ "directory", "password_file", SETTING_PATH, IN(directory_password_file), .standard = "", .max = TEXT_MAX,
		.help = "File with that account's password in its first line, which other accounts can't read." },
	{ "directory", "base", SETTING_TEXT, IN(directory_base), .standard = "", .max = TEXT_MAX,
		.help = "People are looked for at and below this entry: ou=people,dc=example,dc=org." },
	{ "directory", "filter", SETTING_TEXT, IN(directory_filter), .standard = "(mail=*)", .min = 1, .max = TEXT_MAX,
		.help = "Which entries there are people with a mailbox (RFC 4515)." },
	{ "directory", "mail_attributes", SETTING_TEXT, IN(directory_mail_attributes),
		.standard = "mail proxyAddresses mailAlternateAddress", .min = 1, .max = TEXT_MAX,
		.help = "Attributes with a person's mailboxes. Of values such as SMTP:a@example.org the address counts; those of "
			"other kinds (X500:, SIP:) don't." },
	{ "directory", "department_attribute", SETTING_NAME, IN(directory_department_attribute), .standard = "department",
		.min = 1, .max = NAME_MAX_BYTES,
		.help = "Attribute with a person's departments: department, ou or departmentNumber, whose values are their names; "
			"or with group_base memberOf." },
	{ "directory", "group_base", SETTING_TEXT, IN(directory_group_base), .standard = "", .max = TEXT_MAX,
		.help = "When set, that attribute's values are groups, of which those below this entry are departments, by their "
			"common name." },
	{ "directory", "nested_groups", SETTING_BOOL, IN(directory_nested_groups), .standard = "yes",
		.help = "Whether who is in a group is also in the groups that this group is in, at any depth. The account must be "
			"able to read the groups." },
	{ "directory", "remove_max", SETTING_NUMBER, IN(directory_remove_max), .standard = "10", .max = 100,
		.help = "`strongroom directory sync --remove` changes nothing when more than this part, in percent, of what the "
			"departments of the directory have would be taken out." },
	{ "directory", "timeout", SETTING_DURATION, IN(directory_timeout_us), .standard = "30s", .min = SECOND, .max = 10 * MINUTE,
		.help = "How long a server may take to connect, and for each answer." },

	{ "workerd", "outbox_interval", SETTING_DURATION, IN(workerd_outbox_interval_us), .standard = "5s",
		.min = 100 * MS, .max = HOUR,
		.help = "How often strongroom-workerd looks for messages that could not be indexed at once." },
	{ "workerd", "export_interval", SETTING_DURATION, IN(workerd_export_interval_us), .standard = "2s", .min = 100 * MS,
		.max = HOUR,
		.help = "How often strongroom-workerd looks for exports to be built, and for those whose time is over." },
	{ "workerd", "export_keep", SETTING_DURATION, IN(workerd_export_keep_us), .standard = "7d", .min = SECOND,
		.max = 366 * DAY,
		.help = "How long a finished export can be downloaded; then it is removed from the store, where it is locked "
			"until about that time." },
	{ "workerd", "export_rate", SETTING_SIZE, IN(workerd_export_rate), .standard = "0", .max = 1024 * GIB,
		.help = "How many bytes of messages an export reads in a second at most, to leave the store to others. 0 is as "
			"many as it can." },
	{ "workerd", "reconcile_interval", SETTING_DURATION, IN(workerd_reconcile_interval_us), .standard = "15m",
		.min = 100 * MS, .max = DAY,
		.help = "How often store, database and index are compared for what was archived since." },
	{ "workerd", "reconcile_grace", SETTING_DURATION, IN(workerd_reconcile_grace_us), .standard = "15m",
		.min = 100 * MS, .max = DAY,
		.help = "Only what was archived longer ago than this is compared: an object is stored before its row, and "
			"a replica of the database may be behind." },
	{ "workerd", "reconcile_full_interval", SETTING_DURATION, IN(workerd_reconcile_full_us), .standard = "7d",
		.min = 100 * MS, .max = 366 * DAY,
		.help = "In this time the whole archive is compared once, a part at a time." },
	{ "workerd", "audit_file", SETTING_PATH, IN(workerd_audit_file), .standard = "", .max = TEXT_MAX,
		.help = "A file to which each record of the audit is added, a JSON object a line. Empty: none." },
	{ "workerd", "audit_syslog", SETTING_ADDRESS, IN(workerd_audit_syslog), .standard = "", .max = TEXT_MAX,
		.help = "A syslog server that each record of the audit is sent to (RFC 5424, facility 13): unix:PATH of a datagram "
			"socket such as /dev/log, or inet:HOST:PORT over TCP (RFC 6587, counted). Empty: none." },
	{ "workerd", "audit_syslog_tls", SETTING_BOOL, IN(workerd_audit_syslog_tls), .standard = "no",
		.help = "Whether that is done over TLS (RFC 5425); the server's certificate must be for HOST." },
	{ "workerd", "audit_syslog_ca", SETTING_PATH, IN(workerd_audit_syslog_ca), .standard = "", .max = TEXT_MAX,
		.help = "PEM file of the authorities that its certificate must come from. Empty: those that the system trusts." },
	{ "workerd", "audit_interval", SETTING_DURATION, IN(workerd_audit_interval_us), .standard = "1s", .min = 100 * MS,
		.max = HOUR, .help = "How often it is looked for records of the audit that are to be sent." },
	{ "workerd", "postfix_log", SETTING_PATH, IN(workerd_postfix_log), .standard = "", .max = TEXT_MAX,
		.help = "The log of a Postfix on this machine, which strongroom-workerd follows over its rotations: what Postfix "
			"accepted must have been captured. The daemons' account must be able to read it. Empty: none. For logs "
			"of other machines there is `strongroom postfix-log`." },
	{ "workerd", "postfix_interval", SETTING_DURATION, IN(workerd_postfix_interval_us), .standard = "1m",
		.min = 100 * MS, .max = HOUR, .help = "How often that log is read on." },
	{ "workerd", "postfix_grace", SETTING_DURATION, IN(workerd_postfix_grace_us), .standard = "10m", .min = 100 * MS,
		.max = DAY,
		.help = "How long after its last line in the log a message is judged at the earliest; for `strongroom "
			"postfix-log` too." },
	{ "workerd", "metrics", SETTING_ADDRESS, IN(workerd_metrics), .standard = "", .max = TEXT_MAX,
		.help = METRICS_HELP },
};
const size_t settings_count = ARRAY_LEN(settings);
