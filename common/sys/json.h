/* json: cJSON made strict (its traps: numbers are doubles, UTF-8 unchecked, trailing junk and \u0000 pass).
 *
 * Reading refuses anything but one complete value of valid UTF-8 without \u0000. Keys compare case-sensitively. 64-bit
 * ids travel as strings. */
#ifndef SYS_JSON_H
#define SYS_JSON_H

#include "base/err.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stdint.h>

static inline void json_freep(cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}
#define _json_ CLEANUP(json_freep)

/* Does a Content-Type say JSON, with whatever parameters? NULL: it says nothing. */
bool json_is_type(const char *content_type);

#define JSON_DEPTH_MAX 100 /* arrays and objects inside each other */

/* NULL with *e permanent: "invalid JSON at byte 17". Caller frees. */
cJSON *json_parse(const char *text, size_t n, struct err *e) MUST_CHECK;

/* Unformatted text; dies without memory. Caller frees. */
char *json_print(const cJSON *j) __attribute__((returns_nonnull));

/* Adding to an object; the string is copied, NULL becomes null, bytes that are not UTF-8 become U+FFFD. Die without
 * memory. */
void json_add_str(cJSON *object, const char *key, const char *value);
void json_add_u64(cJSON *object, const char *key, uint64_t value); /* up to 2^53 as a number, above as a string */
void json_add_bool(cJSON *object, const char *key, bool value);
void json_add_item(cJSON *object, const char *key, cJSON *item); /* item becomes object's */

/* The member when it is there and of the type; *value_r is a view. 1, 0 when absent or null, -1 when of another type. */
int json_get_str(const cJSON *object, const char *key, const char **value_r);
int json_get_u64(const cJSON *object, const char *key, uint64_t *value_r);

#endif
