/* key: the keys that sign access tokens. */
#include "cli/operator.h"

#include "cli/cli.h"
#include "sys/json.h"
#include "sys/secret.h"

#include <stdio.h>
#include <string.h>

static void print_keys(const struct strv *names)
{
	for (size_t i = 0; i < names->n; i++)
		printf("%s\n", names->items[i]);
}

static int list(const struct conf *conf)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	struct err e;

	if (secret_token_key_list(conf->key_dir, &names, &e) < 0)
		return cli_failed(&e);
	print_keys(&names);
	return CLI_OK;
}

static int rotate_audited(struct meta *m, const struct conf *conf, struct strv *names_r, struct err *e)
{
	_json_ cJSON *detail = cJSON_CreateObject();
	struct uuid intent;
	struct err later;

	json_add_str(detail, "key_dir", conf->key_dir);
	if (operator_intent(m, "key.rotate", detail, &intent, e) < 0)
		return -1;
	int rc = secret_token_key_rotate(conf->key_dir, names_r, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

static int rotate(const struct conf *conf)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(meta_closep) struct meta *m = NULL;
	struct err e;

	if (meta_open(&m, conf, &e) < 0 || rotate_audited(m, conf, &names, &e) < 0)
		return cli_failed(&e);
	print_keys(&names);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };

	while (cli_getopt(cli, &key_command, argc, argv, "", NULL) != -1)
		;
	if (argc - optind != 1 || (strcmp(argv[optind], "list") != 0 && strcmp(argv[optind], "rotate") != 0))
		return cli_usage(&key_command, "say: key list, or key rotate");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	return strcmp(argv[optind], "list") == 0 ? list(&conf) : rotate(&conf);
}

const struct command key_command = {
	.name = "key",
	.arguments = "list | rotate",
	.summary = "Replace the key that signs access tokens",
	.help = "list: the files of the keys in key_dir, the newest last.\n"
		"rotate: makes a new one, which signs five minutes later, and removes all but it and the one before it. Until then\n"
		"copy it to the other machines that strongroom-queryd runs on; each takes it up as soon as it is there. Twice in a\n"
		"row ends every access token that lives: who is signed in goes on with the refresh token.\n",
	.run = run,
};
