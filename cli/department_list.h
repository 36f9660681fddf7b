/* department_list: departments and the mailboxes that they are to have, as a table or a directory says. Pure. */
#ifndef CLI_DEPARTMENT_LIST_H
#define CLI_DEPARTMENT_LIST_H

#include "base/strv.h"

#include <stdbool.h>

struct department_list {
	struct department_wanted {
		char *name;
		struct strv mailboxes; /* as they stand there, twice too */
	} *items; /* by name */
	size_t n;
};

void department_list_deinit(struct department_list *l);

void department_list_add(struct department_list *l, const char *name, const char *mailbox);

/* NULL when there is none of this name. */
const struct department_wanted *department_list_find(const struct department_list *l, const char *name);

/* Text of 1 to 255 bytes of UTF-8 without control characters. */
bool department_name_good(const char *name);

/* An address with a domain, in UTF-8 without control characters, of up to 512 bytes in its normal form. */
bool department_mailbox_good(const char *mailbox);

#endif
