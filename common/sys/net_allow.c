#include "sys/net.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* Every network is kept as IPv6, an IPv4 one as ::ffff:a.b.c.d, since that is how IPv4 peers look
 * on a dual-stack socket. */
struct network {
	uint8_t bytes[16];
	unsigned int bits;
	bool v4; /* so that ::/0 does not let in all of IPv4 */
};

struct net_allow {
	struct network *items;
	size_t n;
};

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

static unsigned int bit(const uint8_t *bytes, unsigned int i)
{
	return (unsigned int)(bytes[i / 8] >> (7 - i % 8)) & 1u;
}

static bool equal_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	for (unsigned int i = whole * 8; i < bits; i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

static int parse_address(struct network *n, const char *text)
{
	memcpy(n->bytes, v4_prefix, sizeof(v4_prefix));
	n->v4 = inet_pton(AF_INET, text, n->bytes + sizeof(v4_prefix)) == 1;
	return n->v4 || inet_pton(AF_INET6, text, n->bytes) == 1 ? 0 : -1;
}

/* text is changed. */
static int parse_network(struct network *n, char *text)
{
	char *slash = strchr(text, '/');
	uint64_t bits = 0;

	if (slash)
		*slash = '\0';
	if (parse_address(n, text))
		return -1;
	unsigned int all = n->v4 ? 32 : 128;

	if (slash && str_parse_u64(&bits, slash + 1, all))
		return -1;
	n->bits = (slash ? (unsigned int)bits : all) + (n->v4 ? 96 : 0);
	for (unsigned int i = n->bits; i < 128; i++)
		if (bit(n->bytes, i))
			return -1;
	return 0;
}

int net_allow_parse(struct net_allow **a_r, const char *networks, struct err *e)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(net_allow_freep) struct net_allow *a = MEM_NEW(struct net_allow);

	strv_split(&names, networks, " ,\t");
	a->items = MEM_ARRAY(struct network, names.n);
	for (; a->n < names.n; a->n++) {
		_free_ char *text = mem_strdup(names.items[a->n]);

		if (parse_network(&a->items[a->n], text))
			return err_permanent(e,
				"network(%s) failed: neither ADDRESS nor ADDRESS/BITS, zero from there on",
				names.items[a->n]);
	}
	*a_r = a;
	a = NULL;
	return 0;
}

bool net_allow_has(const struct net_allow *a, const struct sockaddr_storage *peer)
{
	struct network p = { 0 };

	if (peer->ss_family == AF_INET) {
		memcpy(p.bytes, v4_prefix, sizeof(v4_prefix));
		memcpy(p.bytes + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
	} else if (peer->ss_family == AF_INET6) {
		memcpy(p.bytes, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof(p.bytes));
	} else {
		return true;
	}
	p.v4 = memcmp(p.bytes, v4_prefix, sizeof(v4_prefix)) == 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct network *n = &a->items[i];

		if (n->v4 == p.v4 && equal_bits(n->bytes, p.bytes, n->bits))
			return true;
	}
	return false;
}

void net_allow_freep(struct net_allow **a)
{
	if (*a)
		free((*a)->items);
	free(*a);
	*a = NULL;
}
