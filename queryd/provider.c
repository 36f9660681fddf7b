#include "queryd/provider.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/percent.h"
#include "base/str.h"
#include "queryd/userinfo.h"
#include "sys/jws.h"
#include "sys/oidc_discovery.h"
#include "sys/secret_file.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#define FORM_MAX (64u * 1024)

struct provider {
	const struct conf *conf;
	struct http_client *http;
	bool counts_factor;
	pthread_mutex_t lock; /* of what follows */
	struct oidc_discovery document;
	struct jwk_set *keys; /* NULL until both were fetched */
	int64_t fetched_us, tried_us, keys_tried_us; /* monotonic; 0: never */
};

struct provider *provider_new(const struct conf *conf)
{
	if (!*conf->oidc_issuer)
		return NULL;
	struct provider *p = MEM_NEW(struct provider);

	p->conf = conf;
	p->http = oidc_client_new(conf->oidc_ca_file);
	p->counts_factor = strcmp(conf->oidc_second_factor, "provider") == 0;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void provider_freep(struct provider **p)
{
	if (!*p)
		return;
	http_client_freep(&(*p)->http);
	oidc_discovery_deinit(&(*p)->document);
	jwk_set_freep(&(*p)->keys);
	pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

/* ---- what it tells of itself ---- */

/* A copy of the document, and one more owner of the keys. */
struct known {
	struct oidc_discovery document;
	struct jwk_set *keys;
};

static void known_deinit(struct known *k)
{
	oidc_discovery_deinit(&k->document);
	jwk_set_freep(&k->keys);
}

/* Caller holds the lock. */
static int fetch(struct provider *p, struct err *e)
{
	CLEANUP(known_deinit) struct known fresh = { 0 };

	p->tried_us = clock_monotonic_us();
	if (oidc_discover(&fresh.document, p->http, p->conf->oidc_issuer, e) < 0 ||
		oidc_fetch_keys(&fresh.keys, p->http, &fresh.document, e) < 0)
		return -1;
	oidc_discovery_deinit(&p->document);
	jwk_set_freep(&p->keys);
	p->document = fresh.document;
	p->keys = fresh.keys;
	p->fetched_us = p->tried_us;
	fresh = (struct known){ 0 };
	return 0;
}

/* Fetches where it is time to. Caller holds the lock. */
static int refresh(struct provider *p, struct err *e)
{
	int64_t now = clock_monotonic_us();

	if (p->keys && now - p->fetched_us < PROVIDER_LIFE_US)
		return 0;
	if (p->tried_us && now - p->tried_us < PROVIDER_REST_US)
		return p->keys ? 0 : err_temporary(e, "discover(%s) failed a moment ago", p->conf->oidc_issuer);
	int rc = fetch(p, e);

	if (rc < 0 && p->keys)
		log_warn(NULL, "what the sign-in provider told before goes on: %s", e->text);
	return p->keys ? 0 : rc;
}

/* Caller holds the lock. */
static void copy_known(const struct provider *p, struct known *k_r)
{
	const struct oidc_discovery *d = &p->document;

	k_r->document = (struct oidc_discovery){ mem_strdup(d->authorization_endpoint), mem_strdup(d->token_endpoint),
		mem_strdup(d->jwks_uri), mem_strdup(d->userinfo_endpoint), d->names_issuer, d->secret_in_body };
	k_r->keys = jwk_set_ref(p->keys);
}

static int take_known(struct provider *p, struct known *k_r, struct err *e)
{
	pthread_mutex_lock(&p->lock);
	int rc = refresh(p, e);

	if (rc == 0)
		copy_known(p, k_r);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* The provider may have another key by now than those in k: 1 with other ones there, 0 when it is too early to ask again, -1. */
static int renew_keys(struct provider *p, struct known *k, struct err *e)
{
	int64_t now = clock_monotonic_us();
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	if (p->keys == k->keys && (!p->keys_tried_us || now - p->keys_tried_us >= PROVIDER_KEYS_REST_US)) {
		p->keys_tried_us = now;
		rc = fetch(p, e);
	}
	if (rc == 0 && p->keys != k->keys) {
		known_deinit(k);
		copy_known(p, k);
		rc = 1;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* ---- the way there ---- */

static void must(int rc)
{
	if (rc < 0)
		abort(); /* FORM_MAX holds the longest settings, secret and code */
}

static void add_field(struct buf *b, const char *name, const char *value)
{
	_free_ char *encoded = percent_encode(value);

	must(buf_printf(b, "%s%s=%s", b->len ? "&" : "", name, encoded));
}

char *provider_sign_in_url(struct provider *p, const struct oidc_flow *f, struct err *e)
{
	CLEANUP(buf_deinit) struct buf query = BUF_INIT(FORM_MAX);
	CLEANUP(known_deinit) struct known k = { 0 };
	_free_ char *max_age = mem_printf("%" PRId64, p->conf->queryd_mfa_session_us / CLOCK_SECOND);

	if (take_known(p, &k, e) < 0)
		return NULL;
	add_field(&query, "response_type", "code");
	add_field(&query, "client_id", p->conf->oidc_client_id);
	add_field(&query, "redirect_uri", p->conf->oidc_redirect_url);
	add_field(&query, "scope", p->conf->oidc_scopes);
	add_field(&query, "state", f->state);
	add_field(&query, "nonce", f->nonce);
	add_field(&query, "code_challenge", f->challenge);
	add_field(&query, "code_challenge_method", "S256");
	if (p->counts_factor)
		add_field(&query, "max_age", max_age);
	if (p->counts_factor && *p->conf->oidc_strong_acr)
		add_field(&query, "acr_values", p->conf->oidc_strong_acr);
	const char *where = k.document.authorization_endpoint;

	return mem_printf("%s%c%s", where, strchr(where, '?') ? '&' : '?', query.data);
}

/* ---- the way back ---- */

/* RFC 6749, 2.3.1. */
static char *basic_credentials(const char *client_id, const char *secret)
{
	_free_ char *id = percent_encode(client_id), *word = percent_encode(secret), *both = mem_printf("%s:%s", id, word);
	size_t size = sodium_base64_encoded_len(strlen(both), sodium_base64_VARIANT_ORIGINAL);
	_free_ char *text = mem_alloc(size, 1);
	char *header = mem_printf("Authorization: Basic %s",
		sodium_bin2base64(text, size, (const unsigned char *)both, strlen(both), sodium_base64_VARIANT_ORIGINAL));

	explicit_bzero(word, strlen(word));
	explicit_bzero(both, strlen(both));
	explicit_bzero(text, size);
	return header;
}

static void wipe_headers(struct strv *headers)
{
	for (size_t i = 0; i < headers->n; i++)
		explicit_bzero(headers->items[i], strlen(headers->items[i]));
	strv_deinit(headers);
}

static void wipe_buf(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_deinit(b);
}

static void wipe_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	mem_freep(text);
}

/* Sends the code; 0 with the answer, which the caller deinits. */
static int post_code(struct provider *p, const struct oidc_discovery *d, const char *code, const struct oidc_flow *f,
	struct http_answer *a_r, struct err *e)
{
	CLEANUP(wipe_text) char *secret = NULL;
	CLEANUP(wipe_headers) struct strv headers = { 0 };
	CLEANUP(wipe_buf) struct buf form = BUF_INIT(FORM_MAX);

	if (secret_file_line(&secret, p->conf->oidc_client_secret_file, e) < 0)
		return -1;
	strv_add(&headers, "Accept: application/json");
	strv_add(&headers, "Content-Type: application/x-www-form-urlencoded");
	add_field(&form, "grant_type", "authorization_code");
	add_field(&form, "code", code);
	add_field(&form, "redirect_uri", p->conf->oidc_redirect_url);
	add_field(&form, "code_verifier", f->verifier);
	if (d->secret_in_body) {
		add_field(&form, "client_id", p->conf->oidc_client_id);
		add_field(&form, "client_secret", secret);
	} else {
		CLEANUP(wipe_text) char *credentials = basic_credentials(p->conf->oidc_client_id, secret);

		strv_add(&headers, credentials);
	}
	const struct http_request r = { .method = "POST", .url = d->token_endpoint, .headers = &headers, .body = form.data,
		.body_len = form.len };

	return http_call(p->http, &r, a_r, e);
}

struct tokens {
	char *id;
	char *access; /* NULL: there is none that asks by itself (RFC 6750) */
};

static void tokens_wipe(struct tokens *t)
{
	wipe_text(&t->id);
	wipe_text(&t->access);
}

static void take_tokens(struct tokens *t, const cJSON *j, const char *id)
{
	const char *access, *type;

	t->id = mem_strdup(id);
	if (json_get_str(j, "token_type", &type) == 1 && str_ieq(type, "Bearer") && json_get_str(j, "access_token", &access) == 1)
		t->access = mem_strdup(access);
}

/* The tokens in an answer: 1 (caller wipes), 0: the code is not good, -1. */
static int read_answer(const struct http_answer *a, struct tokens *t_r, struct err *e)
{
	_json_ cJSON *j = json_parse(a->body.data ? a->body.data : "", a->body.len, e);
	const char *id, *error = "";

	if (!j)
		return err_temporary(e, "the sign-in provider answered a code with %d, and not with JSON", a->status);
	if (a->status == 200 && json_get_str(j, "id_token", &id) == 1) {
		take_tokens(t_r, j, id);
		return 1;
	}
	if (json_get_str(j, "error", &error) < 0)
		error = "";
	err_temporary(e, "the sign-in provider answered a code with %d: %.100s", a->status, error);
	return a->status == 400 && strcmp(error, "invalid_grant") == 0 ? 0 : -1;
}

/* The claims that the provider has signed: 1 (caller frees), 0, -1. */
static int read_signed(struct provider *p, struct known *k, const char *token, cJSON **claims_r, struct err *e)
{
	int rc = jws_verify(claims_r, k->keys, token, e);

	if (rc != 0)
		return rc == 1;
	struct err unknown_key = *e;
	int renewed = renew_keys(p, k, e);

	if (renewed < 0)
		return -1;
	if (renewed == 0)
		*e = unknown_key;
	return renewed && jws_verify(claims_r, k->keys, token, e) == 1;
}

/* Asks for what the ID token leaves out, where the provider can be asked: 1, 0, -1. */
static int complete(struct provider *p, const struct known *k, const char *access_token, const struct id_token_wanted *w,
	struct id_token *t, struct err *e)
{
	_json_ cJSON *claims = NULL;
	int rc = 1;

	if (!id_token_is_whole(t, w) && k->document.userinfo_endpoint)
		rc = userinfo_ask(p->http, k->document.userinfo_endpoint, access_token ? access_token : "", t->subject, &claims, e);
	if (rc != 1)
		return rc;
	if (claims)
		id_token_complete(t, claims, w);
	if (t->groups_said || !t->groups_elsewhere)
		return 1;
	err_permanent(e, "the sign-in provider says where the groups of %.100s are (_claim_names), and not which: it is to send %s itself",
		t->subject, w->groups_claim);
	return 0;
}

static int read_tokens(struct provider *p, struct known *k, const struct tokens *tokens, const struct oidc_flow *f,
	struct id_token *t_r, struct err *e)
{
	const struct conf *conf = p->conf;
	const struct id_token_wanted wanted = { conf->oidc_issuer, conf->oidc_client_id, f->nonce, conf->oidc_account_claim,
		*conf->oidc_roles ? conf->oidc_groups_claim : "" };
	CLEANUP(id_token_deinit) struct id_token t = { 0 };
	_json_ cJSON *claims = NULL;
	int rc = read_signed(p, k, tokens->id, &claims, e);

	if (rc == 1)
		rc = id_token_read(&t, claims, &wanted, clock_now_us() / CLOCK_SECOND, e) == 0;
	if (rc == 1)
		rc = complete(p, k, tokens->access, &wanted, &t, e);
	if (rc != 1)
		return rc;
	*t_r = t;
	t = (struct id_token){ 0 };
	return 1;
}

/* Is the answer of this provider, and not of another that the browser was lured to? */
static bool is_its(const struct provider *p, const struct known *k, const struct provider_answer *a)
{
	return a->issuer ? strcmp(a->issuer, p->conf->oidc_issuer) == 0 : !k->document.names_issuer;
}

int provider_take_code(struct provider *p, const struct provider_answer *a, const struct oidc_flow *f, struct id_token *t_r,
	struct err *e)
{
	CLEANUP(http_answer_deinit) struct http_answer answer = { 0 };
	CLEANUP(known_deinit) struct known k = { 0 };
	CLEANUP(tokens_wipe) struct tokens tokens = { 0 };

	if (take_known(p, &k, e) < 0)
		return -1;
	if (!is_its(p, &k, a)) {
		err_permanent(e, "take_code(%s) failed: the answer is of another issuer", p->conf->oidc_issuer);
		return 0;
	}
	if (post_code(p, &k.document, a->code, f, &answer, e) < 0)
		return -1;
	int rc = read_answer(&answer, &tokens, e);

	if (answer.body.data)
		explicit_bzero(answer.body.data, answer.body.cap);
	return rc == 1 ? read_tokens(p, &k, &tokens, f, t_r, e) : rc;
}

/* ---- the second factor ---- */

bool provider_was_strong(const struct provider *p, const struct id_token *t)
{
	CLEANUP(strv_deinit) struct strv acr = { 0 }, amr = { 0 };
	bool strong = false;

	if (!p->counts_factor || clock_now_us() - t->signed_in_s * CLOCK_SECOND >= p->conf->queryd_mfa_session_us)
		return false;
	strv_split(&acr, p->conf->oidc_strong_acr, " ");
	strv_split(&amr, p->conf->oidc_strong_amr, " ");
	for (size_t i = 0; i < t->amr.n; i++)
		strong |= strv_has(&amr, t->amr.items[i]);
	return strong || (t->acr && strv_has(&acr, t->acr));
}
