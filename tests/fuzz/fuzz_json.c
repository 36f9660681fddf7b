/* Any bytes: what is taken as JSON prints to JSON that reads the same. */
#include "sys/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e;
	_json_ cJSON *j = json_parse((const char *)data, n, &e);

	if (!j)
		return 0;
	_free_ char *text = json_print(j);
	_json_ cJSON *again = json_parse(text, strlen(text), &e);
	_free_ char *text_again = again ? json_print(again) : NULL;

	if (!text_again || strcmp(text, text_again) != 0)
		abort();
	return 0;
}
