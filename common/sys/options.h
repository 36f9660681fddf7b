/* options: the command line that all daemons have: -c FILE, -V (--version), -h (--help). */
#ifndef SYS_OPTIONS_H
#define SYS_OPTIONS_H

#define OPTIONS_GO_ON (-1)

/* OPTIONS_GO_ON with the argument of -c, a view of argv, or NULL in *conf_path_r; else what to exit with, when version or
 * usage was asked for and printed, or the command line is wrong (EX_USAGE). Call it first in main(). */
int options_read(int argc, char **argv, const char *program, const char **conf_path_r);

#endif
