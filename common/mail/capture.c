#include "mail/capture.h"

#include "mail/address.h"

#include <string.h>

#define LABEL_KEY "strongroom/capture-key/v1"
#define LABEL_ENVELOPE "strongroom/envelope/v1"

const char *capture_kind_name(enum capture_kind kind)
{
	switch (kind) {
	case CAPTURE_LMTP:
		return "lmtp";
	case CAPTURE_MILTER:
		return "milter-reconstructed";
	case CAPTURE_IMPORT:
		return "import";
	}
	return "unknown";
}

void capture_add_recipient(struct capture *c, const char *address, const char *args)
{
	size_t n = c->recipient_count;

	if ((n & (n - 1)) == 0) /* full at every power of two */
		c->recipients = mem_realloc(c->recipients, n ? n * 2 : 1, sizeof(*c->recipients));
	c->recipients[n] = (struct capture_recipient){
		.address = mem_strdup(address ? address : ""),
		.args = mem_strdup(args ? args : ""),
	};
	c->recipient_count++;
}

void capture_deinit(struct capture *c)
{
	message_freep(&c->message);
	for (size_t i = 0; i < c->recipient_count; i++) {
		free(c->recipients[i].address);
		free(c->recipients[i].args);
	}
	free(c->recipients);
	free(c->mail_from);
	free(c->mail_args);
	free(c->client);
	free(c->helo);
	free(c->auth);
	free(c->tls);
	free(c->queue_id);
	free(c->session);
	free(c->trace);
	*c = (struct capture){ 0 };
}

/* Length-prefixed into the hash, as base/pack would write it: no two lists of strings give the same
 * bytes. */
static void add(struct sha256 *h, const void *data, size_t n)
{
	uint8_t prefix[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	sha256_add(h, prefix, sizeof(prefix));
	sha256_add(h, data, n);
}

static void add_address(struct sha256 *h, const char *raw)
{
	_free_ char *normal = address_normalize(raw ? raw : "");

	add(h, normal, strlen(normal));
}

static void add_envelope(struct sha256 *h, const struct capture *c)
{
	CLEANUP(strv_deinit) struct strv list = { 0 };

	add_address(h, c->mail_from);
	for (size_t i = 0; i < c->recipient_count; i++) {
		_free_ char *normal = address_normalize(c->recipients[i].address);

		strv_add(&list, normal);
	}
	strv_sort(&list);
	for (size_t i = 0; i < list.n; i++)
		add(h, list.items[i], strlen(list.items[i]));
}

void capture_key_of(const struct capture *c, const uint8_t sha256[SHA256_SIZE], uint8_t key_r[SHA256_SIZE])
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	add(h, LABEL_KEY, strlen(LABEL_KEY));
	add(h, c->point, strlen(c->point));
	add(h, sha256, SHA256_SIZE);
	add_envelope(h, c);
	sha256_finish(h, key_r);
}

void capture_key(const struct capture *c, uint8_t key_r[SHA256_SIZE])
{
	capture_key_of(c, message_sha256(c->message), key_r);
}

void capture_envelope_hash(const struct capture *c, uint8_t hash_r[SHA256_SIZE])
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	add(h, LABEL_ENVELOPE, strlen(LABEL_ENVELOPE));
	add_envelope(h, c);
	sha256_finish(h, hash_r);
}
