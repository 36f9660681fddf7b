/* password: asking for a new password. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "sys/password_rules.h"

/* At a terminal twice without echo, else one line of standard input. Caller wipes and frees; NULL with *e permanent when
 * the rules are against it or the two differ. */
char *password_ask(const struct password_rules *rules, const char *username, struct err *e) MUST_CHECK;
/* An existing one, "Password for eve@mail.example.com: ": asked once, and nothing is required of it. */
char *password_ask_existing(const char *whose, struct err *e) MUST_CHECK;
void password_freep(char **password);

#endif
