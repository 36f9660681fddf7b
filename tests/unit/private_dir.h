/* private_dir: a directory of a test's own, `top`, and its end. Included once, into the test's file or its fixture. */
#ifndef TESTS_UNIT_PRIVATE_DIR_H
#define TESTS_UNIT_PRIVATE_DIR_H

#include "base/mem.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static char *top;

/* -1: there is no room for it. */
static inline int private_dir_make(void)
{
	const char *tmp = getenv("TMPDIR");

	top = mem_printf("%s/strongroom-unit-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(top) ? 0 : -1;
}

/* Caller frees. */
static inline char *in_top(const char *name)
{
	return mem_printf("%s/%s", top, name);
}

/* How many there are in that folder of it but hidden ones; 0 also when there is no such folder. */
static inline unsigned files_in(const char *name)
{
	_free_ char *path = in_top(name);
	DIR *d = opendir(path);
	unsigned n = 0;

	for (struct dirent *entry; d && (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static inline int private_dir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* With all that is in it; -1: something stays. */
static inline int private_dir_remove(void)
{
	int failed = nftw(top, private_dir_remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(top);
	return failed;
}

#endif
