#include "queryd/present.h"

#include "base/clock.h"

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

void present_people(cJSON *object, const char *key, const struct message_row *row, enum participant_role role)
{
	cJSON *list = cJSON_CreateArray();

	json_add_item(object, key, list);
	for (size_t i = 0; i < row->participant_count; i++) {
		if (row->participants[i].role != role)
			continue;
		cJSON *person = cJSON_CreateObject();

		json_add_str(person, "name", row->participants[i].name);
		json_add_str(person, "address", row->participants[i].address);
		cJSON_AddItemToArray(list, person);
	}
}
