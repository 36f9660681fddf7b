#include "cli/imap_url.h"

#include "base/hex.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PORT_TLS "993"
#define PORT_PLAIN "143"

bool imap_url_is(const char *text)
{
	return str_istarts(text, "imaps://") || str_istarts(text, "imap://");
}

void imap_url_deinit(struct imap_url *u)
{
	free(u->user);
	free(u->host);
	free(u->port);
	free(u->folder);
	free(u->source);
	*u = (struct imap_url){ 0 };
}

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* %40 and the like; NULL for what is wrong: half an escape, a control character, no UTF-8. */
static char *decode(const char *from, size_t n)
{
	char *text = mem_alloc(n + 1, 1), *to = text;
	bool good = true;

	for (size_t i = 0; i < n && good; i++) {
		if (from[i] == '%' && n - i > 2 && digit(from[i + 1]) >= 0 && digit(from[i + 2]) >= 0) {
			*to++ = (char)(digit(from[i + 1]) * 16 + digit(from[i + 2]));
			i += 2;
		} else if (from[i] == '%' && i + 1 < n) {
			good = false;
		} else {
			*to++ = from[i];
		}
		good = good && (unsigned char)to[-1] >= ' ' && to[-1] != 0x7f;
	}
	*to = '\0';
	if (good && str_utf8_valid(text, (size_t)(to - text)))
		return text;
	free(text);
	return NULL;
}

/* "host", "host:port", "[::1]:port" of [at, end). */
static int take_server(struct imap_url *u, const char *at, const char *end)
{
	const char *host = *at == '[' ? at + 1 : at;
	const char *stop = *at == '[' ? memchr(at, ']', (size_t)(end - at)) : memchr(at, ':', (size_t)(end - at));

	if (!stop)
		stop = *at == '[' ? host : end;
	u->host = decode(host, (size_t)(stop - host));
	at = *stop == ']' ? stop + 1 : stop;
	if (at < end && *at == ':' && end - at > 1)
		u->port = mem_dup(at + 1, (size_t)(end - at - 1));
	else if (at == end)
		u->port = mem_strdup(u->tls ? PORT_TLS : PORT_PLAIN);
	return u->host && *u->host && u->port && strspn(u->port, "0123456789") == strlen(u->port) ? 0 : -1;
}

/* Whatever could be read in another way is written as %XX. */
static char *encode(const char *text, const char *keep)
{
	char *result = mem_alloc(strlen(text) * 3 + 1, 1), *to = result;

	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr(keep, *text))
			*to++ = *text;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*text);
	}
	*to = '\0';
	return result;
}

static char *spell(const struct imap_url *u)
{
	_free_ char *user = encode(u->user, "@.-_+="), *folder = encode(u->folder, "/.-_ ");
	bool standard = strcmp(u->port, u->tls ? PORT_TLS : PORT_PLAIN) == 0, six = strchr(u->host, ':');

	return mem_printf("%s://%s@%s%s%s%s%s/%s", u->tls ? "imaps" : "imap", user, six ? "[" : "", u->host, six ? "]" : "",
		standard ? "" : ":", standard ? "" : u->port, folder);
}

static int check_source(struct imap_url *u, struct err *e)
{
	if (strlen(u->source) <= IMAP_URL_MAX)
		return 0;
	err_permanent(e, "%.60s… is longer than %d bytes", u->source, IMAP_URL_MAX);
	imap_url_deinit(u);
	return -1;
}

static int take(struct imap_url *u, const char *text)
{
	const char *at = strstr(text, "://") + 3, *slash = strchr(at, '/'), *end = slash ? slash : at + strlen(at);
	const char *sign = memrchr(at, '@', (size_t)(end - at));

	u->tls = str_istarts(text, "imaps:");
	u->user = sign ? decode(at, (size_t)(sign - at)) : NULL;
	if (!u->user || !*u->user || take_server(u, sign + 1, end) < 0)
		return -1;
	u->folder = slash && slash[1] ? decode(slash + 1, strlen(slash + 1)) : mem_strdup("INBOX");
	return u->folder && *u->folder ? 0 : -1;
}

int imap_url_with_folder(struct imap_url *u_r, const struct imap_url *u, const char *folder, struct err *e)
{
	*u_r = (struct imap_url){ .tls = u->tls, .user = mem_strdup(u->user), .host = mem_strdup(u->host),
		.port = mem_strdup(u->port), .folder = mem_strdup(folder) };
	u_r->source = spell(u_r);
	return check_source(u_r, e);
}

int imap_url_parse(struct imap_url *u_r, const char *text, struct err *e)
{
	*u_r = (struct imap_url){ 0 };
	if (take(u_r, text) < 0) {
		imap_url_deinit(u_r);
		return err_permanent(e, "%s is not of the form imaps://USER@HOST[:PORT]/FOLDER", text);
	}
	if (strchr(u_r->user, ':')) {
		imap_url_deinit(u_r);
		return err_permanent(e, "a password does not belong into the URL, where others can see it: see --password-file");
	}
	u_r->source = spell(u_r);
	return check_source(u_r, e);
}
