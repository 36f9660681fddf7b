#include "queryd/id_token.h"

#include <string.h>

void id_token_deinit(struct id_token *t)
{
	free(t->subject);
	free(t->account);
	strv_deinit(&t->groups);
	free(t->acr);
	strv_deinit(&t->amr);
	*t = (struct id_token){ 0 };
}

static int bad(struct err *e, const char *why)
{
	return err_permanent(e, "id_token_read failed: %s", why);
}

static bool has_text(const cJSON *claims, const char *name, const char *wanted)
{
	const char *value;

	return json_get_str(claims, name, &value) == 1 && strcmp(value, wanted) == 0;
}

/* ---- whom it is for ---- */

/* Another audience beside this one could hand the token on: it is not trusted. */
static bool is_for(const cJSON *claims, const char *client_id)
{
	const cJSON *aud = cJSON_GetObjectItemCaseSensitive(claims, "aud");
	const cJSON *one = cJSON_IsArray(aud) && cJSON_GetArraySize(aud) == 1 ? aud->child : aud;

	return cJSON_IsString(one) && strcmp(one->valuestring, client_id) == 0;
}

static int check_parties(const cJSON *claims, const struct id_token_wanted *w, struct err *e)
{
	if (!has_text(claims, "iss", w->issuer))
		return bad(e, "it is of another issuer");
	if (!is_for(claims, w->client_id))
		return bad(e, "it is not for this client alone");
	if (cJSON_GetObjectItemCaseSensitive(claims, "azp") && !has_text(claims, "azp", w->client_id))
		return bad(e, "another client asked for it");
	return has_text(claims, "nonce", w->nonce) ? 0 : bad(e, "it is of another sign-in");
}

/* ---- when ---- */

static int check_times(const cJSON *claims, int64_t now_s, int64_t *signed_in_r, struct err *e)
{
	uint64_t expires, issued, not_before = 0, signed_in = 0;

	if (json_get_u64(claims, "exp", &expires) != 1 || json_get_u64(claims, "iat", &issued) != 1)
		return bad(e, "exp or iat is missing");
	if (json_get_u64(claims, "nbf", &not_before) < 0 || json_get_u64(claims, "auth_time", &signed_in) < 0)
		return bad(e, "nbf or auth_time is no number");
	if ((int64_t)expires <= now_s - ID_TOKEN_SKEW_S)
		return bad(e, "it has expired");
	if ((int64_t)issued > now_s + ID_TOKEN_SKEW_S || (int64_t)not_before > now_s + ID_TOKEN_SKEW_S)
		return bad(e, "it is not valid yet: the clocks differ");
	if ((int64_t)issued < now_s - ID_TOKEN_AGE_MAX_S)
		return bad(e, "it was made long ago");
	*signed_in_r = (int64_t)signed_in < now_s ? (int64_t)signed_in : now_s;
	return 0;
}

/* ---- who ---- */

/* A list of texts, or one text alone: some providers write it so where there is one. */
static void take_list(struct strv *list, const cJSON *claim)
{
	const cJSON *item;

	if (cJSON_IsString(claim))
		strv_add(list, claim->valuestring);
	if (cJSON_IsArray(claim))
		cJSON_ArrayForEach(item, claim)
			if (cJSON_IsString(item))
				strv_add(list, item->valuestring);
	strv_dedup(list);
}

static int take_subject(const cJSON *claims, char **subject_r, struct err *e)
{
	const char *subject;

	if (json_get_str(claims, "sub", &subject) != 1 || !*subject || strlen(subject) > ID_TOKEN_SUBJECT_MAX)
		return bad(e, "sub is missing, or too long");
	*subject_r = mem_strdup(subject);
	return 0;
}

static void take_text(const cJSON *claims, const char *name, char **text_r)
{
	const char *text;

	if (json_get_str(claims, name, &text) == 1 && *text)
		*text_r = mem_strdup(text);
}

static void take_account(struct id_token *t, const cJSON *claims, const struct id_token_wanted *w)
{
	take_text(claims, w->account_claim, &t->account);
	t->account_verified = strcmp(w->account_claim, "email") != 0 ||
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(claims, "email_verified"));
}

static void take_groups(struct id_token *t, const cJSON *claims, const struct id_token_wanted *w)
{
	const cJSON *groups = cJSON_GetObjectItemCaseSensitive(claims, w->groups_claim);
	const cJSON *elsewhere = cJSON_GetObjectItemCaseSensitive(claims, "_claim_names");

	take_list(&t->groups, groups);
	t->groups_said = groups && !cJSON_IsNull(groups);
	t->groups_elsewhere |= cJSON_GetObjectItemCaseSensitive(elsewhere, w->groups_claim) != NULL;
}

bool id_token_is_whole(const struct id_token *t, const struct id_token_wanted *w)
{
	return t->account && (t->groups_said || !*w->groups_claim);
}

void id_token_complete(struct id_token *t, const cJSON *claims, const struct id_token_wanted *w)
{
	if (!t->account)
		take_account(t, claims, w);
	if (!t->groups_said && *w->groups_claim)
		take_groups(t, claims, w);
}

int id_token_read(struct id_token *t_r, const cJSON *claims, const struct id_token_wanted *w, int64_t now_s, struct err *e)
{
	CLEANUP(id_token_deinit) struct id_token t = { 0 };

	if (check_parties(claims, w, e) < 0 || check_times(claims, now_s, &t.signed_in_s, e) < 0 ||
		take_subject(claims, &t.subject, e) < 0)
		return -1;
	id_token_complete(&t, claims, w);
	take_text(claims, "acr", &t.acr);
	take_list(&t.amr, cJSON_GetObjectItemCaseSensitive(claims, "amr"));
	*t_r = t;
	t = (struct id_token){ 0 };
	return 0;
}
