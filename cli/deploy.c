#include "cli/deploy.h"

#include "cli/cli.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct deploy_check *const tables[] = { deploy_tls_checks, deploy_access_checks, deploy_backend_checks,
	deploy_directory_checks, deploy_machine_checks };

void deploy_say(struct deploy *d, enum deploy_verdict v, const char *remedy, const char *fmt, ...)
{
	static const char *const names[] = { "ok:      ", "warning: ", "error:   " };
	char what[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	printf("%s %s%s\n", d->id, names[v], what);
	if (remedy && v != DEPLOY_OK)
		printf("              remedy: %s\n", remedy);
	d->verdicts[v]++;
}

int deploy_run(const struct conf *conf)
{
	struct deploy d = { .conf = conf };

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct deploy_check *c = tables[i]; c->look; c++) {
			d.id = c->id;
			c->look(&d);
		}
	printf("%u errors, %u warnings, %u ok\n", d.verdicts[DEPLOY_ERROR], d.verdicts[DEPLOY_WARNING], d.verdicts[DEPLOY_OK]);
	return d.verdicts[DEPLOY_ERROR] ? CLI_ATTENTION : CLI_OK;
}

static enum deploy_reach reach_of_v4(const struct in_addr *a)
{
	uint32_t number = ntohl(a->s_addr);

	return number == 0 ? REACH_ALL : number >> 24 == 127 ? REACH_MACHINE : REACH_NETWORK;
}

enum deploy_reach deploy_reach(const char *address)
{
	if (strncmp(address, "unix:", 5) == 0)
		return REACH_MACHINE;
	address += strncmp(address, "inet:", 5) == 0 ? 5 : 0;
	bool brackets = *address == '[';
	const char *end = strrchr(address, ':');
	_free_ char *host = mem_dup(address + brackets, end ? (size_t)(end - address) - 2 * brackets : strlen(address));
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return reach_of_v4(&v4);
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_UNSPECIFIED(&v6) ? REACH_ALL : IN6_IS_ADDR_LOOPBACK(&v6) ? REACH_MACHINE : REACH_NETWORK;
	if (strcmp(host, "*") == 0)
		return REACH_ALL;
	return strcmp(host, "localhost") == 0 ? REACH_MACHINE : REACH_NETWORK;
}
