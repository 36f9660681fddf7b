#include "queryd/userinfo.h"

#include <string.h>

/* A header's value (RFC 6750, 2.1): no blank, and no end of a line. */
static bool is_token(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

	n += strspn(text + n, "=");
	return n && n <= USERINFO_TOKEN_MAX && !text[n];
}

static int get(struct http_client *h, const char *url, const char *access_token, struct http_answer *a_r, struct err *e)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	char *bearer = mem_printf("Authorization: Bearer %s", access_token);

	strv_add(&headers, "Accept: application/json");
	strv_add(&headers, bearer);
	const struct http_request r = { .method = "GET", .url = url, .headers = &headers };
	int rc = http_call(h, &r, a_r, e);

	explicit_bzero(bearer, strlen(bearer));
	explicit_bzero(headers.items[1], strlen(headers.items[1]));
	free(bearer);
	return rc;
}

int userinfo_ask(struct http_client *h, const char *url, const char *access_token, const char *subject, cJSON **claims_r, struct err *e)
{
	CLEANUP(http_answer_deinit) struct http_answer a = { 0 };
	const char *said;

	if (!is_token(access_token))
		return err_temporary(e, "userinfo_ask(%.300s) failed: there is no access token to ask with", url);
	if (get(h, url, access_token, &a, e) < 0)
		return -1;
	if (a.status != 200)
		return err_temporary(e, "userinfo_ask(%.300s) failed: it was answered %d", url, a.status);
	/* Signed or encrypted ones are application/jwt: they come only where a client is registered for them. */
	_json_ cJSON *claims = json_is_type(http_answer_header(&a, "Content-Type")) ? json_parse(a.body.data ? a.body.data : "", a.body.len, e) : NULL;

	if (!cJSON_IsObject(claims))
		return err_temporary(e, "userinfo_ask(%.300s) failed: the answer is no JSON object", url);
	if (json_get_str(claims, "sub", &said) != 1 || strcmp(said, subject) != 0) {
		err_permanent(e, "userinfo_ask(%.300s) failed: the answer is of another subject than the ID token", url);
		return 0;
	}
	*claims_r = claims;
	claims = NULL;
	return 1;
}
