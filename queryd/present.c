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

void present_act(cJSON *object, const char *key, const struct hold_act *act)
{
	cJSON *j = act->at_us ? cJSON_CreateObject() : cJSON_CreateNull();

	json_add_item(object, key, j);
	if (!act->at_us)
		return;
	present_time(j, "at", act->at_us);
	json_add_u64(j, "by", act->account_id);
	json_add_str(j, "reason", act->reason);
}

void present_date(cJSON *object, const char *key, uint32_t parse_flags, int64_t header_date_us)
{
	if (parse_flags & (PARSE_NO_DATE | PARSE_FAILED))
		json_add_str(object, key, NULL);
	else
		present_time(object, key, header_date_us);
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

size_t present_people(cJSON *object, const char *key, const struct participant *people, size_t n, enum participant_role role,
	const struct present_limits *limits)
{
	cJSON *list = cJSON_CreateArray();
	size_t seen = 0;

	json_add_item(object, key, list);
	for (size_t i = 0; i < n; i++) {
		if (people[i].role != role || seen++ >= limits->people)
			continue;
		cJSON *person = cJSON_CreateObject();

		present_text(person, "name", people[i].name, limits->text);
		present_text(person, "address", people[i].address, limits->text);
		cJSON_AddItemToArray(list, person);
	}
	return seen > limits->people ? seen - limits->people : 0;
}
