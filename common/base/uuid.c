#include "base/uuid.h"

#include "base/hex.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

/* The 12 bits behind the time count up within one millisecond (RFC 9562, 6.2, method 1); when they run out the time
 * part borrows the next millisecond. */
static uint64_t next_stamp(int64_t now_us)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t last;
	uint64_t stamp = (uint64_t)(now_us / 1000) << 12;

	pthread_mutex_lock(&lock);
	if (stamp <= last)
		stamp = last + 1;
	last = stamp;
	pthread_mutex_unlock(&lock);
	return stamp;
}

struct uuid uuid_new(int64_t now_us)
{
	struct uuid id;
	uint64_t stamp = next_stamp(now_us);

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(stamp >> (52 - 8 * i));
	id.bytes[6] = (uint8_t)(0x70 | (stamp >> 8 & 0x0f));
	id.bytes[7] = (uint8_t)stamp;
	if (getrandom(id.bytes + 8, 8, 0) != 8)
		abort(); /* a kernel that runs this has getrandom, and 8 bytes are never cut short */
	id.bytes[8] = (id.bytes[8] & 0x3f) | 0x80;
	return id;
}

struct uuid uuid_floor(int64_t us)
{
	uint64_t ms = us < 0 ? 0 : (uint64_t)(us / 1000);
	struct uuid id = { { 0 } };

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	return id;
}

void uuid_next(struct uuid *id)
{
	for (int i = UUID_SIZE - 1; i >= 0 && ++id->bytes[i] == 0; i--)
		;
}

int64_t uuid_time_us(const struct uuid *id)
{
	int64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->bytes[i];
	return ms * 1000;
}

char *uuid_format(char text[UUID_TEXT_SIZE], const struct uuid *id)
{
	static const size_t groups[] = { 4, 2, 2, 2, 6 };
	const uint8_t *from = id->bytes;
	char *to = text;

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (i)
			*to++ = '-';
		hex_encode(to, from, groups[i]);
		to += 2 * groups[i];
		from += groups[i];
	}
	return text;
}

int uuid_parse(struct uuid *id_r, const char *text)
{
	char hex[2 * UUID_SIZE + 1];
	size_t n = 0;

	if (strlen(text) != UUID_TEXT_SIZE - 1)
		return -1;
	for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -1;
			continue;
		}
		hex[n++] = text[i];
	}
	hex[n] = '\0';
	return hex_decode(id_r->bytes, UUID_SIZE, hex);
}
