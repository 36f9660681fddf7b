#include "sys/https_url.h"

#include <string.h>

#define SCHEME "https://"

bool https_url_good(const char *url)
{
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0 || strpbrk(url, "#\"<>\\"))
		return false;
	size_t host = strcspn(url + strlen(SCHEME), "/?");

	return host && !memchr(url + strlen(SCHEME), '@', host);
}

bool https_url_plain(const char *url)
{
	return https_url_good(url) && !strchr(url, '?');
}
