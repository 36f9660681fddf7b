/* deploy_backends: how the servers behind the archive are spoken to, and as whom. D3.. */
#include "base/strv.h"
#include "cli/deploy.h"

#include <string.h>

static bool is_kind(const char *setting, const char *kind)
{
	return strncmp(setting, kind, strlen(kind)) == 0 && setting[strlen(kind)] == ':';
}

/* Of a URL: what stands behind its scheme. */
static const char *host_of(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? host + 3 : url;
}

static bool is_plain_and_far(const char *url)
{
	const char *host = host_of(url);
	_free_ char *with_port = strrchr(host, ':') && !strchr(strrchr(host, ':'), ']') ? mem_strdup(host) : mem_printf("%s:80", host);

	return strncmp(url, "http://", 7) == 0 && deploy_reach(with_port) != REACH_MACHINE;
}

/* ---- store ---- */

static void store_tls(struct deploy *d)
{
	if (!is_kind(d->conf->store, "s3"))
		deploy_say(d, DEPLOY_OK, NULL, "the store is on this machine");
	else if (is_plain_and_far(d->conf->s3_endpoint))
		deploy_say(d, DEPLOY_ERROR, "set endpoint in [s3] to https://",
			"messages and the keys of requests go to the object store in the clear (%s)", d->conf->s3_endpoint);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the object store is spoken to over TLS, or on this machine");
}

static void store_lock(struct deploy *d)
{
	if (is_kind(d->conf->store, "s3"))
		deploy_say(d, DEPLOY_OK, NULL, "objects are locked in mode COMPLIANCE; `strongroom check` proves it");
	else
		deploy_say(d, DEPLOY_WARNING, "set store = s3:BUCKET, with Object Lock, where that is asked for",
			"the store is a local directory: root of this machine can delete what is in it");
}

static void store_sse(struct deploy *d)
{
	if (!is_kind(d->conf->store, "s3"))
		deploy_say(d, DEPLOY_WARNING, "put it on an encrypted file system",
			"the local store is as encrypted as its file system is, which can't be told from here");
	else if (strcmp(d->conf->s3_sse, "none") == 0)
		deploy_say(d, DEPLOY_WARNING, "set sse = AES256 or aws:kms in [s3], unless the bucket encrypts by itself",
			"encryption at rest is not asked for; it is left to the bucket's own setting");
	else
		deploy_say(d, DEPLOY_OK, NULL, "encryption at rest is asked for with each object (%s)", d->conf->s3_sse);
}

/* ---- database ---- */

static bool mysql_is_far(const struct conf *conf)
{
	_free_ char *address = mem_printf(strchr(conf->mysql_host, ':') ? "[%s]:1" : "%s:1", conf->mysql_host);

	return !*conf->mysql_socket && deploy_reach(address) != REACH_MACHINE;
}

static void meta_tls(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!is_kind(conf->meta, "mysql"))
		deploy_say(d, DEPLOY_OK, NULL, "the database is in files of this machine");
	else if (strcmp(conf->mysql_tls, "never") == 0 && (mysql_is_far(conf) || *conf->mysql_replica))
		deploy_say(d, DEPLOY_ERROR, "set tls = auto in [mysql]", "the database is spoken to in the clear (tls = never)");
	else
		deploy_say(d, DEPLOY_OK, NULL, "the database is spoken to over TLS with its certificate checked, or on this machine");
}

static void meta_account(struct deploy *d)
{
	if (!is_kind(d->conf->meta, "mysql"))
		deploy_say(d, DEPLOY_OK, NULL, "the database has no accounts: its files belong to that of the daemons");
	else if (strcmp(d->conf->mysql_user, "root") == 0)
		deploy_say(d, DEPLOY_ERROR, "make the accounts of grants.mysql.sql, and give each program its own",
			"the database is used as root: a hole in any program is one in the whole server");
	else if (strcmp(d->conf->mysql_user, "strongroom") == 0)
		deploy_say(d, DEPLOY_WARNING, "give each program its own account in its environment (DB_USER): strongroom_lmtpd and so on, "
			"of grants.mysql.sql", "the configuration names the account that owns the schema, which may change it");
	else
		deploy_say(d, DEPLOY_OK, NULL, "the database is used as %s", d->conf->mysql_user);
}

/* ---- index ---- */

static void index_tls(struct deploy *d)
{
	CLEANUP(strv_deinit) struct strv hosts = { 0 };
	const char *plain = NULL;

	strv_split(&hosts, d->conf->es_hosts, " ");
	for (size_t i = 0; i < hosts.n && !plain; i++)
		plain = is_plain_and_far(hosts.items[i]) ? hosts.items[i] : NULL;
	if (!is_kind(d->conf->index, "es"))
		deploy_say(d, DEPLOY_OK, NULL, "the index is on this machine");
	else if (plain)
		deploy_say(d, DEPLOY_ERROR, "set hosts in [es] to https://", "the text of all mail goes to the index in the clear (%s)", plain);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the index is spoken to over TLS, or on this machine");
}

static void index_account(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!is_kind(conf->index, "es"))
		deploy_say(d, DEPLOY_OK, NULL, "the index has no accounts: its file belongs to that of the daemons");
	else if (!*conf->es_user && !*conf->es_api_key_file)
		deploy_say(d, DEPLOY_ERROR, "let the cluster ask for an account, and set user and password_file, or api_key_file, in [es]",
			"the index takes anybody: whoever can reach the cluster can read all mail");
	else if (!*conf->es_api_key_file && (strcmp(conf->es_user, "elastic") == 0 || strcmp(conf->es_user, "admin") == 0))
		deploy_say(d, DEPLOY_ERROR, "make an account with the privileges that strongroom(7) lists", "the index is used as %s, who may "
			"do everything there", conf->es_user);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the index is used with an account of its own");
}

/* ---- cache ---- */

static bool redis_is_far(const char *url)
{
	const char *host = host_of(url);
	_free_ char *address = mem_dup(host, strcspn(host, "/"));

	return strncmp(url, "unix:", 5) != 0 && deploy_reach(address) != REACH_MACHINE;
}

static void cache(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!is_kind(conf->cache, "redis"))
		deploy_say(d, DEPLOY_OK, NULL, "there is no cache: the database does its work");
	else if (redis_is_far(conf->redis_url) && strncmp(conf->redis_url, "rediss:", 7) != 0)
		deploy_say(d, DEPLOY_ERROR, "set url in [redis] to rediss://", "Redis is spoken to in the clear (%s)", conf->redis_url);
	else if (!*conf->redis_password_file)
		deploy_say(d, redis_is_far(conf->redis_url) ? DEPLOY_ERROR : DEPLOY_WARNING,
			"let Redis ask for a password, and set password_file in [redis]",
			"Redis takes anybody: whoever can reach it can reset the counts of sign-ins");
	else
		deploy_say(d, DEPLOY_OK, NULL, "Redis is spoken to with a password, over TLS or on this machine");
}

static void authorities(struct deploy *d)
{
	const struct conf *conf = d->conf;
	const struct {
		const char *who, *file;
	} named[] = { { "the object store", conf->s3_ca_file }, { "the database", conf->mysql_tls_ca }, { "the index", conf->es_ca_file },
		{ "the cache", conf->redis_ca_file }, { "the sign-in provider", conf->oidc_ca_file }, { "the directory", conf->directory_ca_file },
		{ "the syslog server", conf->workerd_audit_syslog_ca } };

	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (*named[i].file)
			deploy_say(d, DEPLOY_OK, NULL, "the certificate of %s is to be by an authority in %s", named[i].who, named[i].file);
	deploy_say(d, DEPLOY_OK, NULL, "where no file of authorities is named, those count that this system trusts");
}

const struct deploy_check deploy_backend_checks[] = {
	{ "D301", store_tls },
	{ "D302", store_lock },
	{ "D303", store_sse },
	{ "D311", meta_tls },
	{ "D312", meta_account },
	{ "D321", index_tls },
	{ "D322", index_account },
	{ "D331", cache },
	{ "D332", authorities },
	{ 0 },
};
