#include "cli/directory_dn.h"

#include <ldap.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static void dn_free(LDAPDN *dn)
{
	ldap_dnfree(*dn);
}

/* Names from the first to the last; NULL when it is none. */
static LDAPDN parse(const char *text)
{
	LDAPDN dn = NULL;

	return ldap_str2dn(text, &dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS ? dn : NULL;
}

static size_t length(const LDAPDN dn)
{
	size_t n = 0;

	while (dn && dn[n])
		n++;
	return n;
}

static bool same_text(const struct berval *a, const struct berval *b)
{
	return a->bv_len == b->bv_len && strncasecmp(a->bv_val, b->bv_val, a->bv_len) == 0;
}

static bool same_name(const LDAPRDN a, const LDAPRDN b)
{
	size_t i = 0;

	for (; a[i] && b[i]; i++)
		if (!same_text(&a[i]->la_attr, &b[i]->la_attr) || !same_text(&a[i]->la_value, &b[i]->la_value))
			return false;
	return !a[i] && !b[i];
}

int directory_dn_below(const char *dn, const char *base, char **name_r)
{
	CLEANUP(dn_free) LDAPDN whole = parse(dn);
	CLEANUP(dn_free) LDAPDN end = parse(base);
	size_t n = length(whole), of_end = length(end);

	if (!n || !whole[0][0])
		return -1;
	if (!of_end || n <= of_end)
		return 0;
	for (size_t i = 0; i < of_end; i++)
		if (!same_name(whole[n - of_end + i], end[i]))
			return 0;
	const struct berval *first = &whole[0][0]->la_value;

	if (memchr(first->bv_val, '\0', first->bv_len))
		return -1;
	*name_r = mem_dup(first->bv_val, first->bv_len);
	return 1;
}

char *directory_dn_key(const char *dn)
{
	CLEANUP(dn_free) LDAPDN parsed = parse(dn);
	char *text = NULL;

	if (!length(parsed) || ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3))
		return NULL;
	char *key = mem_strdup(text);

	ldap_memfree(text);
	for (char *p = key; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return key;
}
