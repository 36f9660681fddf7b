#include "cli/directory_ldap.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/socket_deadline.h"
#include "sys/secret_file.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define PAGE 500
#define PAGES_MAX 20000 /* a server that never ends is left */

struct directory {
	LDAP *ld;
	const struct conf *conf;
	struct strv mail;     /* names of attributes */
	char **attributes;    /* all that are asked for, with NULL behind; views */
	struct timeval limit; /* of an answer */
	struct ldap_conncb watching; /* its functions hear of each connection */
};

/* ---- what went wrong ---- */

static bool may_pass(int rc)
{
	switch (rc) {
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_TIMEOUT:
	case LDAP_BUSY:
	case LDAP_UNAVAILABLE:
	case LDAP_TIMELIMIT_EXCEEDED:
		return true;
	default:
		return false;
	}
}

static const char *remedy_of(int rc)
{
	switch (rc) {
	case LDAP_INVALID_CREDENTIALS:
		return "; bind_dn or the password is wrong";
	case LDAP_SIZELIMIT_EXCEEDED:
	case LDAP_ADMINLIMIT_EXCEEDED:
		return "; the server must let this account read all entries, with paged results";
	case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
		return "; the server can't page its answers (RFC 2696)";
	case LDAP_NO_SUCH_OBJECT:
		return "; there is no such entry, or the account may not see it";
	default:
		return "";
	}
}

static int failed_at(struct directory *d, const char *operation, const char *object, int rc, struct err *e)
{
	char *more = NULL;

	ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	_free_ char *shown = directory_printable(more ? more : "", more ? strlen(more) : 0);
	const char *comma = *shown ? ", " : "";

	if (more)
		ldap_memfree(more);
	if (may_pass(rc))
		return err_temporary(e, "%s(%s) failed: %s%s%s", operation, object, ldap_err2string(rc), comma, shown);
	return err_permanent(e, "%s(%s) failed: %s%s%s%s", operation, object, ldap_err2string(rc), comma, shown, remedy_of(rc));
}

static int failed(struct directory *d, const char *operation, int rc, struct err *e)
{
	return failed_at(d, operation, d->conf->directory_uri, rc, e);
}

/* ---- connecting ---- */

static bool is_uri(const char *uri)
{
	bool plain = str_istarts(uri, "ldap://"), over_tls = str_istarts(uri, "ldaps://");
	const char *host = uri + (over_tls ? 8 : 7);

	return (plain || over_tls) && *host && !strpbrk(host, "/?#");
}

int directory_uri_check(const char *uri, struct err *e)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };
	size_t over_tls = 0;

	strv_split(&list, uri, " ,");
	for (size_t i = 0; i < list.n; i++) {
		if (!is_uri(list.items[i]))
			return err_permanent(e, "directory.uri: \"%s\" is neither ldaps://host nor ldap://host", list.items[i]);
		over_tls += str_istarts(list.items[i], "ldaps:");
	}
	if (!list.n)
		return err_permanent(e, "directory.uri: is not set");
	return !over_tls || over_tls == list.n ? 0 : err_permanent(e, "directory.uri: has both ldap:// and ldaps://");
}

/* Two limits: libldap's own comes first where it has one. */
static void watch(struct directory *d)
{
	int fd = -1;

	if (ldap_get_option(d->ld, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS && fd >= 0)
		socket_deadline_begin(fd, 2 * d->conf->directory_timeout_us);
}

static int watch_handshake(LDAP *ld, Sockbuf *sb, LDAPURLDesc *server, struct sockaddr *address, struct ldap_conncb *watching)
{
	const struct directory *d = CONTAINER_OF(watching, struct directory, watching);
	int fd = -1;

	(void)ld, (void)server, (void)address;
	if (ber_sockbuf_ctrl(sb, LBER_SB_OPT_GET_FD, &fd) == 1 && fd >= 0)
		socket_deadline_begin(fd, d->conf->directory_timeout_us);
	return 0;
}

static void forget(LDAP *ld, Sockbuf *sb, struct ldap_conncb *watching)
{
	(void)ld, (void)sb, (void)watching;
	socket_deadline_end();
}

static int set_tls(struct directory *d, struct err *e)
{
	const char *ca = *d->conf->directory_ca_file ? d->conf->directory_ca_file : SYSTEM_CA;
	const int demand = LDAP_OPT_X_TLS_DEMAND, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, as_client = 0;

	if (access(ca, R_OK) < 0) {
		err_errno(e, "read", ca);
		e->class = ERR_PERMANENT;
		return -1;
	}
	if (ldap_set_option(d->ld, LDAP_OPT_X_TLS_CACERTFILE, ca) || ldap_set_option(d->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) ||
		ldap_set_option(d->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &least) ||
		ldap_set_option(d->ld, LDAP_OPT_X_TLS_NEWCTX, &as_client))
		return err_permanent(e, "use(%s) failed: it has no certificates that can be read", ca);
	return 0;
}

static int set_options(struct directory *d, struct err *e)
{
	const int version = LDAP_VERSION3, none = LDAP_NO_LIMIT, never = LDAP_DEREF_NEVER;

	d->watching = (struct ldap_conncb){ .lc_add = watch_handshake, .lc_del = forget };
	if (ldap_set_option(d->ld, LDAP_OPT_CONNECT_CB, &d->watching) || ldap_set_option(d->ld, LDAP_OPT_PROTOCOL_VERSION, &version) ||
		ldap_set_option(d->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) || ldap_set_option(d->ld, LDAP_OPT_DEREF, &never) ||
		ldap_set_option(d->ld, LDAP_OPT_SIZELIMIT, &none) || ldap_set_option(d->ld, LDAP_OPT_RESTART, LDAP_OPT_ON) ||
		ldap_set_option(d->ld, LDAP_OPT_NETWORK_TIMEOUT, &d->limit) || ldap_set_option(d->ld, LDAP_OPT_TIMEOUT, &d->limit))
		return err_temporary(e, "ldap_set_option() failed");
	return set_tls(d, e);
}

/* The connection, with TLS on it: nothing is said before. */
static int connect_to(struct directory *d, struct err *e)
{
	setenv("LDAPNOINIT", "1", 1);
	int rc = ldap_initialize(&d->ld, d->conf->directory_uri);

	if (rc)
		return err_permanent(e, "ldap_initialize(%s) failed: %s", d->conf->directory_uri, ldap_err2string(rc));
	if (set_options(d, e) < 0)
		return -1;
	bool over_tls = str_istarts(d->conf->directory_uri, "ldaps:");

	rc = over_tls ? ldap_connect(d->ld) : ldap_start_tls_s(d->ld, NULL, NULL);
	socket_deadline_end();
	if (rc)
		return failed(d, over_tls ? "connect" : "StartTLS", rc, e);
	return ldap_tls_inplace(d->ld) ? 0 : err_permanent(e, "connect(%s) failed: there is no TLS", d->conf->directory_uri);
}

/* A name without a password would be let in as nobody (RFC 4513, 5.1.2): an empty password is never sent with one. */
static int sign_in(struct directory *d, struct err *e)
{
	_free_ char *password = NULL;
	struct berval proof = { 0 };

	if (*d->conf->directory_bind_dn) {
		if (secret_file_line(&password, d->conf->directory_password_file, e) < 0)
			return -1;
		ber_str2bv(password, 0, 0, &proof);
	}
	watch(d);
	int rc = ldap_sasl_bind_s(d->ld, d->conf->directory_bind_dn, LDAP_SASL_SIMPLE, &proof, NULL, NULL, NULL);

	socket_deadline_end();
	if (password)
		explicit_bzero(password, strlen(password));
	return rc ? failed(d, "bind", rc, e) : 0;
}

static void name_attributes(struct directory *d)
{
	strv_split(&d->mail, d->conf->directory_mail_attributes, " ,");
	d->attributes = MEM_ARRAY(char *, d->mail.n + 2);
	for (size_t i = 0; i < d->mail.n; i++)
		d->attributes[i] = d->mail.items[i];
	d->attributes[d->mail.n] = d->conf->directory_department_attribute;
}

int directory_open(struct directory **d_r, const struct conf *conf, struct err *e)
{
	if (directory_uri_check(conf->directory_uri, e) < 0)
		return -1;
	CLEANUP(directory_closep) struct directory *d = MEM_NEW(struct directory);

	d->conf = conf;
	d->limit.tv_sec = (time_t)(conf->directory_timeout_us / CLOCK_SECOND);
	d->limit.tv_usec = (suseconds_t)(conf->directory_timeout_us % CLOCK_SECOND);
	name_attributes(d);
	if (connect_to(d, e) < 0 || sign_in(d, e) < 0)
		return -1;
	*d_r = d;
	d = NULL;
	return 0;
}

void directory_closep(struct directory **d)
{
	if (!*d)
		return;
	if ((*d)->ld)
		ldap_unbind_ext_s((*d)->ld, NULL, NULL);
	strv_deinit(&(*d)->mail);
	free((*d)->attributes);
	free(*d);
	*d = NULL;
}

/* ---- reading ---- */

static void message_freep(LDAPMessage **m)
{
	ldap_msgfree(*m);
}

static void control_freep(LDAPControl **c)
{
	ldap_control_free(*c);
}

static void controls_freep(LDAPControl ***c)
{
	ldap_controls_free(*c);
}

static void values_freep(struct berval ***v)
{
	ldap_value_free_len(*v);
}

int directory_probe(struct directory *d, struct err *e)
{
	CLEANUP(message_freep) LDAPMessage *found = NULL;
	char *nothing[] = { (char[]){ LDAP_NO_ATTRS }, NULL };

	watch(d);
	int rc = ldap_search_ext_s(d->ld, d->conf->directory_base, LDAP_SCOPE_BASE, "(objectClass=*)", nothing, 0, NULL, NULL, NULL,
		LDAP_NO_LIMIT, &found);

	socket_deadline_end();
	if (rc)
		return failed(d, "search", rc, e);
	return ldap_count_entries(d->ld, found) ? 0 : err_permanent(e, "search(%s) failed: there is no %s, or the account may not see it",
		d->conf->directory_uri, d->conf->directory_base);
}

/* "mail;lang-en" is a "mail". */
static bool is_attribute(const char *description, const char *name)
{
	size_t n = strcspn(description, ";");
	_free_ char *plain = mem_dup(description, n);

	return str_ieq(plain, name);
}

static struct directory_values *place_of(struct directory *d, struct directory_person *p, const char *description)
{
	if (is_attribute(description, d->conf->directory_department_attribute))
		return &p->departments;
	for (size_t i = 0; i < d->mail.n; i++)
		if (is_attribute(description, d->mail.items[i]))
			return &p->addresses;
	return NULL;
}

/* Active Directory gives long lists in ranges: "memberOf;range=0-1499". */
static bool is_range(const char *description)
{
	for (const char *p = strchr(description, ';'); p; p = strchr(p + 1, ';'))
		if (str_istarts(p, ";range="))
			return true;
	return false;
}

static void take_attribute(struct directory *d, LDAPMessage *entry, const char *description, struct directory_person *p)
{
	CLEANUP(values_freep) struct berval **values = ldap_get_values_len(d->ld, entry, description);
	struct directory_values *place = place_of(d, p, description);

	if (!place)
		return;
	p->cut |= is_range(description);
	for (int i = 0; values && values[i]; i++)
		directory_values_add(place, values[i]->bv_val, values[i]->bv_len);
}

static void read_person(struct directory *d, LDAPMessage *entry, struct directory_person *p)
{
	char *dn = ldap_get_dn(d->ld, entry), *name;
	BerElement *at = NULL;

	p->dn = mem_strdup(dn ? dn : "");
	ldap_memfree(dn);
	for (name = ldap_first_attribute(d->ld, entry, &at); name; name = ldap_next_attribute(d->ld, entry, at)) {
		take_attribute(d, entry, name, p);
		ldap_memfree(name);
	}
	ber_free(at, 0);
}

/* One page into *page_r, which the caller frees, and where the next one begins into *cookie. */
static int search(struct directory *d, struct berval *cookie, LDAPMessage **page_r, struct err *e)
{
	CLEANUP(control_freep) LDAPControl *paged = NULL;
	CLEANUP(controls_freep) LDAPControl **answer = NULL;
	int rc = ldap_create_page_control(d->ld, PAGE, cookie, 'T', &paged), code = LDAP_OTHER;
	ber_int_t estimate;

	if (rc)
		return failed(d, "search", rc, e);
	LDAPControl *controls[] = { paged, NULL };

	watch(d);
	rc = ldap_search_ext_s(d->ld, d->conf->directory_base, LDAP_SCOPE_SUBTREE, d->conf->directory_filter, d->attributes, 0,
		controls, NULL, NULL, LDAP_NO_LIMIT, page_r);
	socket_deadline_end();
	if (rc)
		return failed(d, "search", rc, e);
	rc = ldap_parse_result(d->ld, *page_r, &code, NULL, NULL, NULL, &answer, 0);
	if (rc || code)
		return failed(d, "search", rc ? rc : code, e);
	LDAPControl *where = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, answer, NULL);

	if (!where)
		return failed(d, "search", LDAP_UNAVAILABLE_CRITICAL_EXTENSION, e);
	ber_memfree(cookie->bv_val);
	*cookie = (struct berval){ 0 };
	rc = ldap_parse_pageresponse_control(d->ld, where, &estimate, cookie);
	return rc ? failed(d, "search", rc, e) : 0;
}

struct reading {
	int (*take)(void *ctx, struct directory_person *person, struct err *e);
	void *ctx;
	uint64_t pages, referrals;
};

static int read_page(struct directory *d, struct berval *cookie, struct reading *r, struct err *e)
{
	CLEANUP(message_freep) LDAPMessage *page = NULL;

	if (search(d, cookie, &page, e) < 0)
		return -1;
	for (LDAPMessage *entry = ldap_first_entry(d->ld, page); entry; entry = ldap_next_entry(d->ld, entry)) {
		CLEANUP(directory_person_deinit) struct directory_person person = { 0 };

		read_person(d, entry, &person);
		if (r->take(r->ctx, &person, e) < 0)
			return -1;
	}
	r->referrals += (uint64_t)ldap_count_references(d->ld, page);
	return ++r->pages <= PAGES_MAX ? 0 : err_permanent(e, "search(%s) failed: it gives more than %d pages", d->conf->directory_uri,
		PAGES_MAX);
}

int directory_read(struct directory *d, int (*take)(void *ctx, struct directory_person *person, struct err *e), void *ctx,
	uint64_t *referrals_r, struct err *e)
{
	struct reading r = { take, ctx, 0, 0 };
	struct berval cookie = { 0 };
	int rc;

	do {
		rc = read_page(d, &cookie, &r, e);
	} while (rc == 0 && cookie.bv_len);
	ber_memfree(cookie.bv_val);
	*referrals_r = r.referrals;
	return rc;
}

int directory_read_groups(struct directory *d, const char *dn, struct directory_values *values, struct err *e)
{
	CLEANUP(message_freep) LDAPMessage *found = NULL;
	CLEANUP(directory_person_deinit) struct directory_person group = { 0 };
	char *wanted[] = { d->conf->directory_department_attribute, NULL };

	watch(d);
	int rc = ldap_search_ext_s(d->ld, dn, LDAP_SCOPE_BASE, "(objectClass=*)", wanted, 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &found);

	socket_deadline_end();
	LDAPMessage *entry = rc ? NULL : ldap_first_entry(d->ld, found);
	_free_ char *shown = directory_printable(dn, strlen(dn));

	if (!entry)
		return failed_at(d, "read group", shown, rc ? rc : LDAP_NO_SUCH_OBJECT, e);
	read_person(d, entry, &group);
	if (group.cut)
		return err_permanent(e, "read group(%s) failed: the server gives a part of the groups only that it is in", shown);
	*values = group.departments;
	group.departments = (struct directory_values){ 0 };
	return 0;
}
