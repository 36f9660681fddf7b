/* Whatever asks the index a lot waits for its turn, and nothing else does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "queryd/conversation.h"
#include "queryd/limit.h"
#include "queryd/metadata.h"
#include "queryd/search.h"

/* What a request of an account that has all its turns is answered; 0: nothing, it goes on. */
static unsigned answer_of(const struct route *route)
{
	struct conf conf = { .queryd_request_timeout_us = 1000 };
	CLEANUP(turns_freep) struct turns *turns = turns_new(2, 1);
	struct service service = { .conf = &conf, .turns = turns };
	struct call c = { .service = &service, .route = route, .account = { .id = 7 } };

	assert_int_equal(turns_take(turns, 7, clock_monotonic_us() + 60 * CLOCK_SECOND), TURN_TAKEN);
	if (limit_enter(&c) == 0)
		limit_leave(&c);
	turns_give(turns, 7);
	conf.queryd_request_timeout_us = 60 * CLOCK_SECOND;
	assert_int_equal(limit_enter(&c), 0);
	limit_leave(&c);
	assert_int_equal(turns_count(turns).running, 0);
	const unsigned status = c.response.status;

	response_deinit(&c.response);
	return status;
}

static void test_turns(void **state)
{
	(void)state;
	assert_int_equal(answer_of(search_routes), 503);
	assert_int_equal(answer_of(conversation_routes), 503);
	assert_int_equal(answer_of(metadata_routes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
