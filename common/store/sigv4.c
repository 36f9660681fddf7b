#include "store/sigv4.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/str.h"
#include "sys/digest.h"

#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define STAMP_SIZE sizeof("20130524T000000Z")
#define DAY_LENGTH (sizeof("20130524") - 1)
#define TEXT_MAX ((size_t)1 << 20) /* of a canonical request: far over what any server takes */

/* What is built here has no limit that input could pass. */
static void must(int failed)
{
	if (failed)
		abort();
}

/* ---- encoding ---- */

static bool is_plain(char c, bool slash)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		c == '_' || c == '~' || (slash && c == '/');
}

static char *encode(const char *text, bool slash)
{
	struct buf b = BUF_INIT(TEXT_MAX);

	for (; *text; text++)
		must(is_plain(*text, slash) ? buf_add_char(&b, *text) : buf_printf(&b, "%%%02X", (unsigned char)*text));
	return buf_take(&b);
}

char *sigv4_encode(const char *text)
{
	return encode(text, false);
}

char *sigv4_encode_path(const char *text)
{
	return encode(text, true);
}

/* By name, then by value: what ends a name ('=' of a parameter, ':' of a header, neither being part of a name) counts
 * less than any character of a longer one. */
static int compare_names(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;

	while (*x && *x == *y)
		x++, y++;
	bool x_ends = *x == '=' || *x == ':', y_ends = *y == '=' || *y == ':';

	return (x_ends ? 0 : *x) - (y_ends ? 0 : *y);
}

char *sigv4_query(const struct strv *query)
{
	CLEANUP(strv_deinit) struct strv sorted = { 0 };

	for (size_t i = 0; query && i < query->n; i++)
		strv_add(&sorted, query->items[i]);
	if (sorted.n)
		qsort(sorted.items, sorted.n, sizeof(*sorted.items), compare_names);
	return strv_join(&sorted, "&");
}

/* ---- the string to sign ---- */

static void format_stamp(char stamp[STAMP_SIZE], int64_t now_us)
{
	time_t seconds = (time_t)(now_us / CLOCK_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	must(strftime(stamp, STAMP_SIZE, "%Y%m%dT%H%M%SZ", &tm) != STAMP_SIZE - 1);
}

/* "Name:  some   value " becomes "name:some value". */
static char *canonical_header(const char *line)
{
	size_t name = strcspn(line, ":");
	_free_ char *lower = str_lower(mem_dup(line, name));
	_free_ char *value = mem_strdup(line[name] ? line + name + 1 : "");
	CLEANUP(strv_deinit) struct strv words = { 0 };

	strv_split(&words, value, " \t");
	_free_ char *tidy = strv_join(&words, " ");

	return mem_printf("%s:%s", lower, tidy);
}

/* All headers that are signed, in order, and the list of their names. */
static char *canonical_headers(const char *host, const struct strv *headers, char **names_r)
{
	CLEANUP(strv_deinit) struct strv lines = { 0 };
	CLEANUP(strv_deinit) struct strv names = { 0 };
	_free_ char *host_line = mem_printf("host:%s", host);

	strv_add(&lines, host_line);
	for (size_t i = 0; headers && i < headers->n; i++) {
		_free_ char *line = canonical_header(headers->items[i]);

		strv_add(&lines, line);
	}
	qsort(lines.items, lines.n, sizeof(*lines.items), compare_names);
	for (size_t i = 0; i < lines.n; i++) {
		_free_ char *name = mem_dup(lines.items[i], strcspn(lines.items[i], ":"));

		strv_add(&names, name);
	}
	*names_r = strv_join(&names, ";");
	return strv_join(&lines, "\n");
}

static void hash_text(char hex[SHA256_TEXT_SIZE], const char *text)
{
	uint8_t digest[SHA256_SIZE];

	sha256_of(text, strlen(text), digest);
	hex_encode(hex, digest, SHA256_SIZE);
}

static void hmac(uint8_t key[SHA256_SIZE], size_t key_length, const void *secret, const char *text)
{
	unsigned int n = SHA256_SIZE;

	must(!HMAC(EVP_sha256(), secret, (int)key_length, (const unsigned char *)text, strlen(text), key, &n));
}

static void sign_text(char hex[SHA256_TEXT_SIZE], const struct sigv4_account *a, const char *stamp, const char *text)
{
	_free_ char *secret = mem_printf("AWS4%s", a->secret_key), *day = mem_dup(stamp, DAY_LENGTH);
	const char *const steps[] = { a->region, a->service, "aws4_request", text };
	uint8_t key[SHA256_SIZE];

	hmac(key, strlen(secret), secret, day);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		uint8_t with[SHA256_SIZE];

		memcpy(with, key, sizeof(with));
		hmac(key, sizeof(with), with, steps[i]);
	}
	hex_encode(hex, key, SHA256_SIZE);
}

static char *scope(const struct sigv4_account *a, const char *stamp)
{
	return mem_printf("%.*s/%s/%s/aws4_request", (int)DAY_LENGTH, stamp, a->region, a->service);
}

/* The signature of it all in hex, and the names of the headers that it covers. */
static void sign(char hex[SHA256_TEXT_SIZE], const struct sigv4_account *a, const struct sigv4_request *r,
	const char *query, const struct strv *headers, const char *stamp, char **names_r)
{
	_free_ char *lines = canonical_headers(r->host, headers, names_r), *of = scope(a, stamp);
	_free_ char *canonical = mem_printf("%s\n%s\n%s\n%s\n\n%s\n%s", r->method, r->path, query, lines, *names_r,
		r->payload);

	hash_text(hex, canonical);
	_free_ char *text = mem_printf(ALGORITHM "\n%s\n%s\n%s", stamp, of, hex);

	sign_text(hex, a, stamp, text);
}

/* ---- interface ---- */

static void add_header(struct strv *headers, const char *name, const char *value)
{
	_free_ char *line = mem_printf("%s: %s", name, value);

	strv_add(headers, line);
}

void sigv4_sign(const struct sigv4_account *a, const struct sigv4_request *r, struct strv *headers)
{
	_free_ char *query = sigv4_query(r->query), *names = NULL, *of = NULL, *value = NULL;
	char stamp[STAMP_SIZE], hex[SHA256_TEXT_SIZE];

	format_stamp(stamp, r->now_us);
	add_header(headers, "X-Amz-Date", stamp);
	if (a->token && *a->token)
		add_header(headers, "X-Amz-Security-Token", a->token);
	sign(hex, a, r, query, headers, stamp, &names);
	of = scope(a, stamp);
	value = mem_printf(ALGORITHM " Credential=%s/%s,SignedHeaders=%s,Signature=%s", a->access_key, of, names, hex);
	add_header(headers, "Authorization", value);
}

static void add_parameter(struct strv *query, const char *name, const char *value)
{
	_free_ char *encoded = sigv4_encode(value), *item = mem_printf("%s=%s", name, encoded);

	strv_add(query, item);
}

char *sigv4_presign(const struct sigv4_account *a, const struct sigv4_request *r, uint32_t seconds)
{
	CLEANUP(strv_deinit) struct strv all = { 0 };
	char stamp[STAMP_SIZE], hex[SHA256_TEXT_SIZE];

	format_stamp(stamp, r->now_us);
	for (size_t i = 0; r->query && i < r->query->n; i++)
		strv_add(&all, r->query->items[i]);
	_free_ char *of = scope(a, stamp), *credential = mem_printf("%s/%s", a->access_key, of), *names = NULL;
	_free_ char *life = mem_printf("%u", seconds);

	add_parameter(&all, "X-Amz-Algorithm", ALGORITHM);
	add_parameter(&all, "X-Amz-Credential", credential);
	add_parameter(&all, "X-Amz-Date", stamp);
	add_parameter(&all, "X-Amz-Expires", life);
	if (a->token && *a->token)
		add_parameter(&all, "X-Amz-Security-Token", a->token);
	add_parameter(&all, "X-Amz-SignedHeaders", "host");
	_free_ char *query = sigv4_query(&all);

	sign(hex, a, r, query, NULL, stamp, &names);
	return mem_printf("%s&X-Amz-Signature=%s", query, hex);
}
