/* meta_export: of several workers one builds a job, what an earlier epoch says changes nothing, and nobody sees another's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/account.h"
#include "meta/export.h"

#include <pthread.h>

#define LEASE_US (60 * CLOCK_SECOND)

static char text[] = "text", json[] = "{}";

static struct uuid ask(uint64_t account_id)
{
	struct export_request r = { .id = uuid_new(clock_now_us()), .account_id = account_id, .requested_us = 5, .format = text,
		.container = text, .reason = text, .request = json, .scope = json, .client = text, .request_id = text };

	assert_int_equal(meta_export_add(meta, &r, 1000, &err), 1);
	return r.id;
}

/* Fails unless there is one of this id to be taken up. */
static struct export_job take(const struct uuid *id, int64_t now_us)
{
	struct export_job j;

	assert_int_equal(meta_export_take(meta, "w", now_us, now_us + LEASE_US, &j, &err), 1);
	assert_memory_equal(&j.request.id, id, sizeof(*id));
	return j;
}

static void none_to_take(int64_t now_us)
{
	struct export_job j;

	assert_int_equal(meta_export_take(meta, "w", now_us, now_us + LEASE_US, &j, &err), 0);
}

static void state_is(const struct uuid *id, enum export_state state)
{
	struct export_job j;

	assert_int_equal(meta_export_get(meta, 1, id, &j, &err), 1);
	assert_int_equal(j.state, state);
	export_job_deinit(&j);
}

/* Ends a job that somebody builds, so that the next test finds none. */
static void end(struct export_job *j)
{
	assert_int_equal(meta_export_finish(meta, j, &j->progress, NULL, "no more", 7, &err), 1);
	state_is(&j->request.id, EXPORT_FAILED);
	assert_int_equal(meta_export_cleared(meta, j, &err), 1);
	export_job_deinit(j);
}

static void the_oldest_is_taken_up_once(void **state)
{
	struct uuid first = ask(1), second = ask(1);
	struct export_job a = take(&first, 100), b = take(&second, 100);

	(void)state;
	assert_int_equal(a.epoch, 1);
	assert_int_equal(a.state, EXPORT_BUILDING);
	assert_string_equal(a.request.reason, "text");
	assert_null(a.request.matter);
	none_to_take(100);
	end(&a);
	end(&b);
}

static void a_lease_that_ran_out_is_taken_over(void **state)
{
	struct uuid id = ask(1);
	struct export_job dead = take(&id, 100);
	struct export_progress p = { .total = 10, .total_known = true, .done = 4, .size = 400 };

	(void)state;
	assert_int_equal(meta_export_progress(meta, &dead, &p, 200 + LEASE_US, &err), 1);
	none_to_take(199 + LEASE_US);
	struct export_job alive = take(&id, 200 + LEASE_US);

	assert_int_equal(alive.epoch, 2);
	assert_int_equal(alive.progress.done, 4); /* until its builder says how far it is */
	assert_int_equal(meta_export_progress(meta, &dead, &p, 300 + LEASE_US, &err), 0);
	assert_int_equal(meta_export_finish(meta, &dead, &p, NULL, "late", 7, &err), 0);
	assert_int_equal(meta_export_put_off(meta, &dead, "late", 1, &err), 0);
	assert_int_equal(meta_export_scope(meta, &dead, "{}", &err), 0);
	state_is(&id, EXPORT_BUILDING);
	export_job_deinit(&dead);
	end(&alive);
}

static void a_builder_that_begins_anew_goes_on_at_once(void **state)
{
	struct uuid id = ask(1);
	struct export_job dead = take(&id, 100);

	(void)state;
	assert_ok(meta_export_release(meta, "somebody else", &err));
	none_to_take(101);
	assert_ok(meta_export_release(meta, "w", &err));
	struct export_job alive = take(&id, 101);

	export_job_deinit(&dead);
	end(&alive);
}

static void one_put_off_waits(void **state)
{
	struct uuid id = ask(1);
	struct export_job j = take(&id, 100);

	(void)state;
	assert_int_equal(meta_export_put_off(meta, &j, "the store is down", 5000, &err), 1);
	state_is(&id, EXPORT_QUEUED);
	export_job_deinit(&j);
	none_to_take(4999);
	j = take(&id, 5000);
	assert_string_equal(j.detail, "the store is down");
	end(&j);
}

static void cancelling_stops_who_builds(void **state)
{
	struct uuid id = ask(1);
	struct export_job j = take(&id, 100), stale;

	(void)state;
	assert_int_equal(meta_export_is_open(meta, &id, &err), 1);
	assert_int_equal(meta_export_cancel(meta, 2, &id, 9, &err), 0); /* another's */
	assert_int_equal(meta_export_cancel(meta, 1, &id, 9, &err), 1);
	assert_int_equal(meta_export_cancel(meta, 1, &id, 9, &err), 0);
	assert_int_equal(meta_export_progress(meta, &j, &j.progress, 1000, &err), 0);
	state_is(&id, EXPORT_CANCELLED);
	assert_int_equal(meta_export_is_open(meta, &id, &err), 0);
	/* whoever built it may not have heard of it yet */
	assert_int_equal(meta_export_stale(meta, 99 + LEASE_US, &stale, &err), 0);
	assert_int_equal(meta_export_stale(meta, 100 + LEASE_US, &stale, &err), 1);
	assert_int_equal(meta_export_cleared(meta, &stale, &err), 1);
	state_is(&id, EXPORT_CANCELLED);
	export_job_deinit(&stale);
	assert_int_equal(meta_export_stale(meta, INT64_MAX, &stale, &err), 0);
	export_job_deinit(&j);
}

static void one_never_taken_up_left_nothing(void **state)
{
	struct uuid id = ask(1);
	struct export_job stale;

	(void)state;
	assert_int_equal(meta_export_cancel(meta, 1, &id, 9, &err), 1);
	assert_int_equal(meta_export_stale(meta, INT64_MAX, &stale, &err), 0);
	none_to_take(INT64_MAX - LEASE_US);
}

static void a_ready_one_expires(void **state)
{
	char bucket[] = "b", key[] = "x/k", version[] = "v";
	struct uuid id = ask(1);
	struct export_job j = take(&id, 100), got;
	struct export_progress p = { .total = 10, .total_known = true, .done = 10, .missing = 1, .size = 400 };
	struct export_result r = { .where = { bucket, key, version, 0, 77 }, .sha256 = { 1, 2 }, .finished_us = 200,
		.expires_us = 300 };

	(void)state;
	assert_int_equal(meta_export_scope(meta, &j, "{\"all\":true}", &err), 1);
	assert_int_equal(meta_export_finish(meta, &j, &p, &r, NULL, 200, &err), 1);
	export_job_deinit(&j);
	assert_int_equal(meta_export_get(meta, 1, &id, &got, &err), 1);
	assert_int_equal(got.state, EXPORT_READY);
	assert_string_equal(got.result.where.key, "x/k");
	assert_int_equal(got.result.where.length, 77);
	assert_int_equal(got.result.sha256[1], 2);
	assert_int_equal(got.progress.missing, 1);
	assert_true(got.progress.total_known);
	assert_string_equal(got.built_scope, "{\"all\":true}");
	assert_int_equal(meta_export_cancel(meta, 1, &id, 9, &err), 0);
	export_job_deinit(&got);
	assert_int_equal(meta_export_stale(meta, r.expires_us - 1, &got, &err), 0);
	assert_int_equal(meta_export_stale(meta, r.expires_us, &got, &err), 1);
	assert_int_equal(meta_export_clear_later(meta, &got, r.expires_us + 10, &err), 1);
	struct export_job again;

	assert_int_equal(meta_export_stale(meta, r.expires_us + 9, &again, &err), 0);
	assert_int_equal(meta_export_cleared(meta, &got, &err), 1);
	export_job_deinit(&got);
	state_is(&id, EXPORT_EXPIRED);
	assert_int_equal(meta_export_stale(meta, INT64_MAX, &again, &err), 0);
}

static void each_account_sees_its_own(void **state)
{
	struct uuid ids[3] = { ask(7), ask(8), ask(7) }, last;
	struct export_job jobs[2], j;
	size_t n;

	(void)state;
	memset(&last, 0xff, sizeof(last));
	assert_int_equal(meta_export_get(meta, 7, &ids[1], &j, &err), 0);
	assert_ok(meta_export_list(meta, 7, &last, jobs, 1, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(&jobs[0].request.id, &ids[2], sizeof(last));
	export_job_deinit(&jobs[0]);
	assert_ok(meta_export_list(meta, 7, &ids[2], jobs, 2, &n, &err));
	assert_int_equal(n, 1);
	assert_memory_equal(&jobs[0].request.id, &ids[0], sizeof(last));
	export_job_deinit(&jobs[0]);
}

#define ASKING 8
#define OPEN_MAX 3

static void *ask_under_a_limit(void *arg)
{
	struct export_request r = { .id = uuid_new(clock_now_us()), .account_id = 9, .requested_us = 5, .format = text,
		.container = text, .reason = text, .request = json, .scope = json, .client = text, .request_id = text };
	struct err e;

	return meta_export_add(arg, &r, OPEN_MAX, &e) == 1 ? arg : NULL;
}

static void no_more_are_open_than_may_be(void **state)
{
	pthread_t threads[ASKING];
	void *added;
	int n = 0;

	(void)state;
	for (int i = 0; i < ASKING; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_under_a_limit, meta), 0);
	for (int i = 0; i < ASKING; i++) {
		pthread_join(threads[i], &added);
		n += added != NULL;
	}
	assert_int_equal(n, OPEN_MAX);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM export_job WHERE account_id = 9"), OPEN_MAX);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM export_request WHERE account_id = 9"), OPEN_MAX);
}

static void rights_are_told_without_secrets(void **state)
{
	const struct account_new new = { .username = "alice", .password_hash = "hash", .totp_secret = "", .scope = { .all = true, .from_us = INT64_MIN,
		.until_us = 9 } };
	struct account a;
	uint64_t id;

	(void)state;
	assert_ok(meta_account_add(meta, &new, &id, &err));
	assert_int_equal(meta_account_rights(meta, id, &a, &err), 1);
	assert_string_equal(a.username, "alice");
	assert_null(a.password_hash);
	assert_true(a.scope_all);
	assert_int_equal(a.scope_until_us, 9);
	account_deinit(&a);
	assert_int_equal(meta_account_rights(meta, id + 1, &a, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_is_taken_up_once),
		cmocka_unit_test(a_lease_that_ran_out_is_taken_over),
		cmocka_unit_test(a_builder_that_begins_anew_goes_on_at_once),
		cmocka_unit_test(one_put_off_waits),
		cmocka_unit_test(cancelling_stops_who_builds),
		cmocka_unit_test(one_never_taken_up_left_nothing),
		cmocka_unit_test(a_ready_one_expires),
		cmocka_unit_test(each_account_sees_its_own),
		cmocka_unit_test(no_more_are_open_than_may_be),
		cmocka_unit_test(rights_are_told_without_secrets),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
