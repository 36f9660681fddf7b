/* Deadlines end what takes too long and nothing else; a drain waits for answers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "queryd/connections.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_US (CLOCK_SECOND / 2)

static struct connections *start(int64_t timeout_us)
{
	struct connections *c;
	struct err e;

	assert_int_equal(connections_start(&c, timeout_us, &e), 0);
	return c;
}

/* Does the far end see the connection end within ms? */
static bool ends(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, ms) == 1 && read(fd, &byte, 1) == 0;
}

static void test_overdue(void **state)
{
	CLEANUP(connections_stopp) struct connections *c = start(TIMEOUT_US);
	int slow[2], patient[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, slow), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, patient), 0);
	struct connection *a = connection_opened(c, slow[0]), *b = connection_opened(c, patient[0]);

	connection_busy(c, b);
	connection_answering(c, b, (uint64_t)600 * CONNECTIONS_RATE_MIN); /* ten minutes more */
	assert_true(ends(slow[1], 10000));
	assert_false(ends(patient[1], 1000));
	connection_closed(c, a);
	connection_closed(c, b);
	for (int i = 0; i < 2; i++)
		close(slow[i]), close(patient[i]);
}

/* Sends `part` of a body in each tenth of a second, until it is cut off or `tenths` are over. Was it? */
static bool is_cut_off(struct connections *c, uint64_t part, int tenths)
{
	int ends_of[2];
	bool cut = false;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_of), 0);
	struct connection *conn = connection_opened(c, ends_of[0]);

	connection_receiving(c, conn);
	connection_received(c, conn, (uint64_t)600 * CONNECTIONS_BODY_RATE_MIN); /* nothing is put by */
	for (int i = 0; i < tenths && !cut; i++) {
		connection_received(c, conn, part);
		cut = ends(ends_of[1], 100);
	}
	connection_closed(c, conn);
	close(ends_of[0]), close(ends_of[1]);
	return cut;
}

static void test_large_bodies(void **state)
{
	CLEANUP(connections_stopp) struct connections *patient = start(40 * TIMEOUT_US), *c = start(TIMEOUT_US);

	(void)state;
	assert_false(is_cut_off(patient, CONNECTIONS_BODY_RATE_MIN, 10));
	assert_true(is_cut_off(c, 1, 600));
}

struct finisher {
	struct connections *c;
	struct connection *conn;
};

static void *finish_soon(void *ctx)
{
	struct finisher *f = ctx;

	usleep(300000);
	connection_idle(f->c, f->conn);
	return NULL;
}

static void test_drain(void **state)
{
	CLEANUP(connections_stopp) struct connections *c = start(60 * CLOCK_SECOND);
	int idle[2], busy[2];
	pthread_t thread;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, idle), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, busy), 0);
	struct connection *a = connection_opened(c, idle[0]), *b = connection_opened(c, busy[0]);

	connection_busy(c, b);
	assert_false(connections_draining(c));
	assert_int_equal(connections_drain(c, 0), 1);
	assert_true(connections_draining(c));
	assert_int_equal(shutdown(idle[0], SHUT_WR), 0); /* as the library does on seeing the end of input */
	assert_true(ends(idle[1], 10000));
	struct finisher f = { c, b };

	assert_int_equal(pthread_create(&thread, NULL, finish_soon, &f), 0);
	assert_int_equal(connections_drain(c, 60 * CLOCK_SECOND), 0);
	pthread_join(thread, NULL);
	connection_closed(c, b);
	connection_closed(c, a);
	for (int i = 0; i < 2; i++)
		close(idle[i]), close(busy[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overdue),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
