/* accept_milter: a milter that accepts everything, to measure Strongroom's by.
 *
 *	accept_milter SOCKET [DIR]
 *
 * SOCKET as libmilter writes it (inet:PORT@127.0.0.1, unix:/path); anybody may connect to it. Asks the mail server for the
 * same steps, macros and answers as milter/callback.c does, looks at nothing, and serves until a signal ends it. With DIR,
 * which is made, it accepts a message after archiving its body as bare.h does: less than that no archive can do. */
#include "bare.h"

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define UNANSWERED \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY)

static bool answer_all, archives;
static struct bare bare;

static sfsistat go_on(void)
{
	return answer_all ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static void ask_for(SMFICTX *ctx, int stage, const char *macros)
{
	if (smfi_setsymlist(ctx, stage, (char *)macros) != MI_SUCCESS)
		fprintf(stderr, "accept_milter: smfi_setsymlist(%s) failed\n", macros);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long unused_a,
	unsigned long unused_b, unsigned long *actions_r, unsigned long *protocol_r, unsigned long *unused_a_r,
	unsigned long *unused_b_r)
{
	(void)unused_a;
	(void)unused_b;
	ask_for(ctx, SMFIM_ENVFROM, "i {auth_authen} {tls_version} {cipher}");
	ask_for(ctx, SMFIM_ENVRCPT, "i");
	ask_for(ctx, SMFIM_DATA, "i");
	ask_for(ctx, SMFIM_EOM, "i");
	*actions_r = actions & SMFIF_SETSYMLIST;
	*protocol_r = protocol & (SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC | (answer_all ? 0 : UNANSWERED));
	*unused_a_r = *unused_b_r = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)host;
	(void)address;
	return go_on();
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return go_on();
}

/* MAIL and RCPT. */
static sfsistat on_envelope(SMFICTX *ctx, char **path_and_args)
{
	(void)ctx;
	(void)path_and_args;
	return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return go_on();
}

/* DATA and the end of the header. */
static sfsistat on_turn(SMFICTX *ctx)
{
	(void)ctx;
	return go_on();
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t n)
{
	struct buf *body = smfi_getpriv(ctx);

	if (!archives)
		return go_on();
	if (!body) {
		body = MEM_NEW(struct buf);
		*body = BUF_INIT((size_t)32 << 20);
		smfi_setpriv(ctx, body);
	}
	bare_check(buf_add(body, data, n) == 0, "buf_add");
	return go_on();
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
	struct buf *body = smfi_getpriv(ctx);

	if (body) {
		bare_archive(&bare, body, 1, 0);
		buf_reset(body);
	}
	return SMFIS_ACCEPT;
}

static sfsistat on_close(SMFICTX *ctx)
{
	struct buf *body = smfi_getpriv(ctx);

	if (body)
		buf_deinit(body);
	free(body);
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	static char name[] = "accept_milter";
	const struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_envelope,
		.xxfi_envrcpt = on_envelope,
		.xxfi_data = on_turn,
		.xxfi_header = on_header,
		.xxfi_eoh = on_turn,
		.xxfi_body = on_body,
		.xxfi_eom = on_end_of_message,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc != 2 && argc != 3) {
		fputs("usage: accept_milter SOCKET [DIR]\n", stderr);
		return 64;
	}
	archives = argc == 3;
	if (archives)
		bare_prepare(&bare, argv[2]);
	answer_all = strncmp(argv[1], "inet", 4) == 0;
	umask(0);
	if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS || smfi_setbacklog(511) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
