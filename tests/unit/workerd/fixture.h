/* fixture: what the tests of exports share: a directory of their own, and calls that must not fail. Included into the test's file. */
#ifndef TESTS_UNIT_WORKERD_FIXTURE_H
#define TESTS_UNIT_WORKERD_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/private_dir.h"

#include "base/clock.h"
#include "base/err.h"

#include <string.h>
#include <unistd.h>

static struct err e;

#define must(call)                                            \
	do {                                                  \
		if ((call) != 0)                              \
			fail_msg("%s: %s", #call, e.text);    \
	} while (0)

#endif
