#include "cli/check.h"
#include "cli/directory_ldap.h"

void check_ldap(struct check *c)
{
	CLEANUP(directory_closep) struct directory *d = NULL;
	struct err e;

	if (!*c->conf->directory_uri)
		return;
	if (directory_open(&d, c->conf, &e) == 0 && directory_probe(d, &e) == 0)
		check_report(c, CHECK_OK, NULL, "directory lets us read %s", c->conf->directory_base);
	else
		check_report(c, CHECK_PROBLEM, e.class == ERR_PERMANENT ? "see [directory] in the configuration, and the account there" :
			"see that a server of [directory] runs and can be reached from here, with a certificate that is trusted here",
			"directory: %s", e.text);
}
