#include "base/percent.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

char *percent_encode(const char *text)
{
	char *encoded = mem_alloc(strlen(text) * 3 + 1, 1), *to = encoded;

	for (; *text; text++) {
		bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			(*text >= '0' && *text <= '9') || strchr("-._~", *text);

		to += sprintf(to, plain ? "%c" : "%%%02X", (unsigned char)*text); /* 3 at most, as allocated */
	}
	return encoded;
}
