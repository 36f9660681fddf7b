/* deploy_directory: how the directory is spoken to, and as whom: it decides what mailboxes a department has, and so who sees
 * what. D34. */
#include "base/str.h"
#include "cli/deploy.h"
#include "cli/directory_ldap.h"

#include <string.h>
#include <sys/stat.h>

static void directory_tls(struct deploy *d)
{
	const char *uri = d->conf->directory_uri;
	struct err e;

	if (!*uri)
		deploy_say(d, DEPLOY_OK, NULL, "departments come from no directory");
	else if (directory_uri_check(uri, &e) < 0)
		deploy_say(d, DEPLOY_ERROR, "set uri in [directory] to ldaps://", "%s; it is not asked", e.text);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the directory is spoken to over TLS%s, with its certificate checked; in the clear it never is",
			str_istarts(uri, "ldap:") ? " (StartTLS)" : "");
}

/* Names of accounts that may do everything. */
static bool is_master(const char *bind_dn)
{
	return str_istarts(bind_dn, "cn=admin,") || str_istarts(bind_dn, "cn=manager,") || str_istarts(bind_dn, "cn=administrator,") ||
		str_istarts(bind_dn, "administrator@") || str_istarts(bind_dn, "cn=config") || str_istarts(bind_dn, "cn=directory manager");
}

static void directory_account(struct deploy *d)
{
	const struct conf *conf = d->conf;
	struct stat st;

	if (!*conf->directory_uri)
		deploy_say(d, DEPLOY_OK, NULL, "departments come from no directory");
	else if (!*conf->directory_bind_dn)
		deploy_say(d, DEPLOY_WARNING, "make an account that may read people, and set bind_dn and password_file in [directory]",
			"the directory is read as nobody: it shows its people to everybody who can reach it");
	else if (stat(conf->directory_password_file, &st) < 0)
		deploy_say(d, DEPLOY_ERROR, "see that the file is there", "the password at the directory, %s, can't be looked at",
			conf->directory_password_file);
	else if (st.st_mode & 0027)
		deploy_say(d, DEPLOY_ERROR, "chmod 600 it", "the password at the directory, %s, is open to others",
			conf->directory_password_file);
	else if (is_master(conf->directory_bind_dn))
		deploy_say(d, DEPLOY_ERROR, "make an account that may read people, no more", "the directory is read as %s, who may change it",
			conf->directory_bind_dn);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the directory is read with an account of its own");
}

static void directory_guard(struct deploy *d)
{
	if (*d->conf->directory_uri && d->conf->directory_remove_max > 50)
		deploy_say(d, DEPLOY_WARNING, "set remove_max in [directory] to 10",
			"`strongroom directory sync --remove` may empty departments when the directory gives too little");
	else
		deploy_say(d, DEPLOY_OK, NULL, "a directory that gives too little can't empty departments");
}

const struct deploy_check deploy_directory_checks[] = {
	{ "D341", directory_tls },
	{ "D342", directory_account },
	{ "D343", directory_guard },
	{ 0 },
};
