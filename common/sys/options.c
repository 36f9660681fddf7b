#include "sys/options.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static int usage(FILE *out, const char *program, int status)
{
	fprintf(out, "usage: %s [-hV] [-c strongroom.conf]\n", program);
	return status;
}

static int printed(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
}

int options_read(int argc, char **argv, const char *program, const char **conf_path_r)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	*conf_path_r = NULL;
	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*conf_path_r = optarg;
			break;
		case 'h':
			usage(stdout, program, EX_OK);
			return printed();
		case 'V':
			printf("%s %s\n", program, STRONGROOM_VERSION);
			return printed();
		default:
			return usage(stderr, program, EX_USAGE);
		}
	}
	return optind == argc ? OPTIONS_GO_ON : usage(stderr, program, EX_USAGE);
}
