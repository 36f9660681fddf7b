#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/io.h"
#include "sys/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_net.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static struct sockaddr_storage peer(const char *text)
{
	struct sockaddr_storage s = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		s.ss_family = AF_INET;
		v4->sin_port = htons(25);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		s.ss_family = AF_INET6;
		v6->sin6_port = htons(25);
	}
	return s;
}

static bool allowed(const char *networks, const char *address)
{
	CLEANUP(net_allow_freep) struct net_allow *a = NULL;
	struct sockaddr_storage p = peer(address);
	struct err e;

	assert_int_equal(net_allow_parse(&a, networks, &e), 0);
	return net_allow_has(a, &p);
}

static void test_allow_list(void **state)
{
	struct sockaddr_storage local = { .ss_family = AF_UNIX };
	CLEANUP(net_allow_freep) struct net_allow *none = NULL;
	struct err e;

	(void)state;
	assert_true(allowed("127.0.0.0/8 ::1", "127.255.0.1"));
	assert_false(allowed("127.0.0.0/8 ::1", "128.0.0.1"));
	assert_true(allowed("127.0.0.0/8, ::1", "::1"));
	assert_false(allowed("127.0.0.0/8 ::1", "::2"));
	assert_true(allowed("192.0.2.7", "::ffff:192.0.2.7"));
	assert_false(allowed("192.0.2.7", "192.0.2.6"));
	assert_true(allowed("192.0.2.128/25", "192.0.2.129"));
	assert_false(allowed("192.0.2.128/25", "192.0.2.127"));
	assert_true(allowed("2001:db8:8000::/33", "2001:db8:ffff::1"));
	assert_false(allowed("2001:db8:8000::/33", "2001:db8:7fff::1"));
	assert_true(allowed("0.0.0.0/0", "203.0.113.9"));
	assert_false(allowed("0.0.0.0/0", "2001:db8::1"));
	assert_false(allowed("::/0", "203.0.113.9"));
	assert_false(allowed("", "127.0.0.1"));
	assert_int_equal(net_allow_parse(&none, "", &e), 0);
	assert_true(net_allow_has(none, &local));
}

static void test_allow_list_refuses_slips(void **state)
{
	static const char *const bad[] = { "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "::1/129",
		"::1/x", "::1/", "host", "10.0.0.0/-1",
		"2001:db8::1/64" };
	struct net_allow *a = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(net_allow_parse(&a, bad[i], &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
}

static void test_names_of_peers(void **state)
{
	struct sockaddr_storage v4 = peer("192.0.2.1"), v6 = peer("2001:db8::1"), mapped =
		peer("::ffff:192.0.2.1");
	struct sockaddr_storage local = { .ss_family = AF_UNIX };
	char text[NET_NAME_SIZE];

	(void)state;
	assert_string_equal(net_peer_name(text, &v4), "192.0.2.1:25");
	assert_string_equal(net_peer_name(text, &v6), "[2001:db8::1]:25");
	assert_string_equal(net_peer_name(text, &mapped), "192.0.2.1:25");
	assert_string_equal(net_peer_name(text, &local), "unix");
}

static void test_listens_and_connects(void **state)
{
	_free_ char *addresses = mem_printf("inet:127.0.0.1:0, unix:%s/a unix:%s/b", dir, dir);
	struct net_listeners l, second;
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(net_listen(&l, addresses, &e), 0);
	assert_int_equal(l.n, 3);
	for (size_t i = 0; i < l.n; i++) {
		_close_ int fd = net_connect(l.items[i].address, 1000000, &e);

		assert_true(fd >= 0);
		assert_int_equal(l.items[i].is_unix, i > 0);
	}
	assert_int_equal(stat(l.items[1].address + 5, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* somebody listens there: neither the socket nor its file is touched, and nothing of the
	 * second is left */
	_free_ char *again = mem_printf("unix:%s/c unix:%s/a", dir, dir);

	assert_int_equal(net_listen(&second, again, &e), -1);
	_close_ int fd = net_connect(l.items[1].address, 1000000, &e);

	assert_true(fd >= 0);
	net_listeners_deinit(&l);
}

/* A process that was killed while it started another leaves a child with its sockets for a moment. */
static void test_waits_for_what_a_predecessor_leaves(void **state)
{
	_free_ char *address = mem_printf("unix:%s/a", dir);
	struct net_listeners first, second;
	int status;
	struct err e;

	(void)state;
	for (int inet = 0; inet < 2; inet++) {
		assert_int_equal(net_listen(&first, inet ? "inet:127.0.0.1:0" : address, &e), 0);
		_free_ char *taken = mem_strdup(first.items[0].address);
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			usleep(300000);
			_exit(0);
		}
		close(first.items[0].fd);
		assert_int_equal(net_listen(&second, taken, &e), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		net_listeners_deinit(&second);
		first.items[0].fd = -1;
		net_listeners_deinit(&first);
	}
}

static void test_replaces_a_stale_socket_only(void **state)
{
	_free_ char *address = mem_printf("unix:%s/s", dir);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct net_listeners l;
	struct err e;

	(void)state;
	strcpy(un.sun_path, address + 5);
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(stale, (struct sockaddr *)&un, sizeof(un)), 0);
	close(stale);
	assert_int_equal(net_listen(&l, address, &e), 0);
	net_listeners_deinit(&l);
	FILE *file = fopen(un.sun_path, "w");

	assert_non_null(file);
	fclose(file);
	assert_int_equal(net_listen(&l, address, &e), -1);
	assert_int_equal(unlink(un.sun_path), 0);
}

static void test_refuses_bad_addresses(void **state)
{
	static const char *const bad[] = { "", "inet:127.0.0.1", "inet::25", "inet:127.0.0.1:x",
		"inet:::1:25", "unix:relative" };
	struct net_listeners l;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(net_listen(&l, bad[i], &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
}

static void test_connect_says_why_not(void **state)
{
	_free_ char *nowhere = mem_printf("unix:%s/nowhere", dir);
	struct err e;

	(void)state;
	assert_int_equal(net_connect(nowhere, 1000000, &e), -1);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(e.class, ERR_TEMPORARY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allow_list),
		cmocka_unit_test(test_allow_list_refuses_slips),
		cmocka_unit_test(test_names_of_peers),
		TEST(test_listens_and_connects),
		TEST(test_waits_for_what_a_predecessor_leaves),
		TEST(test_replaces_a_stale_socket_only),
		cmocka_unit_test(test_refuses_bad_addresses),
		TEST(test_connect_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
