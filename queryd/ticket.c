#include "queryd/ticket.h"

#include <sodium.h>
#include <string.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define BODY_SIZE (8 + UUID_SIZE + 8)
#define WHOLE_SIZE (BODY_SIZE + SECRET_MAC_SIZE)

_Static_assert(TICKET_TEXT_SIZE >= sodium_base64_ENCODED_LEN(WHOLE_SIZE, VARIANT), "room for the text");

static void put_u64(uint8_t *to, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *from)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

static void add_mac(uint8_t mac_r[SECRET_MAC_SIZE], const struct secret_key *k, const char *purpose, const uint8_t body[BODY_SIZE])
{
	size_t n = strlen(purpose) + 1;
	_free_ uint8_t *data = mem_alloc(n + BODY_SIZE, 1);

	memcpy(data, purpose, n);
	memcpy(data + n, body, BODY_SIZE);
	secret_mac(mac_r, k, "ticket", data, n + BODY_SIZE);
}

char *ticket_format(char text[TICKET_TEXT_SIZE], const struct secret_key *k, const char *purpose, const struct ticket *t)
{
	uint8_t whole[WHOLE_SIZE];

	put_u64(whole, t->account_id);
	memcpy(whole + 8, t->session_id.bytes, UUID_SIZE);
	put_u64(whole + 8 + UUID_SIZE, (uint64_t)t->until_us);
	add_mac(whole + BODY_SIZE, k, purpose, whole);
	return sodium_bin2base64(text, TICKET_TEXT_SIZE, whole, sizeof(whole), VARIANT);
}

int ticket_parse(struct ticket *t_r, const struct secret_key *k, const char *purpose, const char *text, int64_t now_us)
{
	uint8_t whole[WHOLE_SIZE], mac[SECRET_MAC_SIZE];
	size_t n;

	if (sodium_base642bin(whole, sizeof(whole), text, strlen(text), NULL, &n, NULL, VARIANT) < 0 || n != WHOLE_SIZE)
		return -1;
	add_mac(mac, k, purpose, whole);
	if (sodium_memcmp(mac, whole + BODY_SIZE, sizeof(mac)) != 0)
		return -1;
	t_r->account_id = get_u64(whole);
	memcpy(t_r->session_id.bytes, whole + 8, UUID_SIZE);
	t_r->until_us = (int64_t)get_u64(whole + 8 + UUID_SIZE);
	return now_us < t_r->until_us ? 0 : -1;
}
