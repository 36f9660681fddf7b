#include "queryd/present.h"

#include "base/clock.h"
#include "index/utf8.h"

#include <stdint.h>
#include <string.h>

void present_id(cJSON *object, const char *key, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	json_add_str(object, key, uuid_format(text, id));
}

void present_time(cJSON *object, const char *key, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_str(object, key, clock_format(text, us));
}

void present_date(cJSON *object, const char *key, const struct message_row *row)
{
	if (row->parse_flags & (PARSE_NO_DATE | PARSE_FAILED))
		json_add_str(object, key, NULL);
	else
		present_time(object, key, row->header_date_us);
}

void present_text(cJSON *object, const char *key, const char *text, size_t max)
{
	size_t n = strnlen(text, max);

	if (!text[n]) {
		json_add_str(object, key, text);
		return;
	}
	while (n && utf8_is_inside(text[n]))
		n--;
	_free_ char *cut = mem_printf("%.*s\xe2\x80\xa6", (int)n, text);

	json_add_str(object, key, cut);
}

const struct present_limits present_all = { .people = SIZE_MAX, .text = SIZE_MAX };

size_t present_people(cJSON *object, const char *key, const struct message_row *row, enum participant_role role,
	const struct present_limits *limits)
{
	cJSON *list = cJSON_CreateArray();
	size_t seen = 0;

	json_add_item(object, key, list);
	for (size_t i = 0; i < row->participant_count; i++) {
		if (row->participants[i].role != role || seen++ >= limits->people)
			continue;
		cJSON *person = cJSON_CreateObject();

		present_text(person, "name", row->participants[i].name, limits->text);
		present_text(person, "address", row->participants[i].address, limits->text);
		cJSON_AddItemToArray(list, person);
	}
	return seen > limits->people ? seen - limits->people : 0;
}
