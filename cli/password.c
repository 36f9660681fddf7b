#include "cli/password.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void password_freep(char **password)
{
	if (*password)
		explicit_bzero(*password, strlen(*password));
	free(*password);
	*password = NULL;
}

/* One line of standard input without its end; NULL when there is none. */
static char *read_line(struct err *e)
{
	char line[PASSWORD_BYTES_MAX + 2];
	char *result = NULL;

	if (!fgets(line, sizeof(line), stdin))
		err_permanent(e, "no password was given");
	else if (strlen(line) == sizeof(line) - 1 && line[sizeof(line) - 2] != '\n')
		err_permanent(e, "the password is longer than %d bytes", PASSWORD_BYTES_MAX);
	else
		result = mem_dup(line, strcspn(line, "\r\n"));
	explicit_bzero(line, sizeof(line));
	return result;
}

static struct termios before; /* while a password is typed */

/* Ends the program as the signal does, but not with a terminal that hides what is typed. */
static void on_signal(int number)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	raise(number);
}

static char *prompt(const char *text, struct err *e)
{
	const struct sigaction end = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction on_interrupt, on_end;
	struct termios quiet;

	if (tcgetattr(STDIN_FILENO, &before) < 0) {
		err_errno(e, "tcgetattr", "standard input");
		return NULL;
	}
	sigaction(SIGINT, &end, &on_interrupt);
	sigaction(SIGTERM, &end, &on_end);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet); /* before the prompt: what is typed behind it counts and is not shown */
	fputs(text, stderr);
	fflush(stderr);
	char *line = read_line(e);

	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_end, NULL);
	fputc('\n', stderr);
	return line;
}

static char *ask_once(const char *username, struct err *e)
{
	_free_ char *text = mem_printf("Password for %s: ", username);

	return isatty(STDIN_FILENO) ? prompt(text, e) : read_line(e);
}

char *password_ask_existing(const char *whose, struct err *e)
{
	return ask_once(whose, e);
}

char *password_ask(const struct password_rules *rules, const char *username, struct err *e)
{
	char *password CLEANUP(password_freep) = ask_once(username, e), *again CLEANUP(password_freep) = NULL;

	if (!password)
		return NULL;
	if (password_check(rules, username, password, e) < 0) {
		err_prefix(e, "this password is not taken");
		return NULL;
	}
	if (isatty(STDIN_FILENO)) {
		again = prompt("Once more: ", e);
		if (!again)
			return NULL;
		if (strcmp(password, again) != 0) {
			err_permanent(e, "the two passwords differ");
			return NULL;
		}
	}
	char *result = password;

	password = NULL;
	return result;
}
