/* directory_person: what an entry of a directory says of a person: any bytes, which become mailboxes and departments, or are
 * refused. Pure. */
#ifndef CLI_DIRECTORY_PERSON_H
#define CLI_DIRECTORY_PERSON_H

#include "cli/department_list.h"

#include <stdint.h>

#define DIRECTORY_VALUE_MAX 2048 /* bytes of a value that are kept: no name or address is as long */

struct directory_value {
	char *bytes; /* NUL behind */
	size_t n;    /* of the value: more than are kept, when it is over the limit */
};

struct directory_values {
	struct directory_value *items;
	size_t n;
};

struct directory_person {
	char *dn;
	struct directory_values addresses, departments;
	bool cut; /* the server gave a part of the values only */
};

void directory_values_add(struct directory_values *v, const void *bytes, size_t n);
void directory_values_deinit(struct directory_values *v);

/* Is it whole, and without NUL in it? */
bool directory_value_is_text(const struct directory_value *value);

void directory_person_deinit(struct directory_person *p);

/* What was found of all people. */
struct directory_people {
	struct department_list departments;
	struct strv keep; /* mailboxes of people whose departments can't be read: they stay where they are */
	size_t people;
	size_t without_mailbox, without_department;
	size_t refused; /* values */
	/* Told of each value that is refused: a line of printable text. */
	void (*refuse)(const char *dn, const char *why);
};

void directory_people_deinit(struct directory_people *p);

/* group_base "": departments are named; else the values are groups, of which those below this entry count. */
void directory_people_add(struct directory_people *p, const struct directory_person *person, const char *group_base);

/* A value's address. 1 with *mailbox_r, which the caller frees; 0: it is an address of another kind; -1: it is none. */
int directory_address(const struct directory_value *v, char **mailbox_r) MUST_CHECK;

/* Text that can be shown: what is not printable becomes '?', what is long is cut. Caller frees. */
char *directory_printable(const char *bytes, size_t n) __attribute__((returns_nonnull));

#endif
