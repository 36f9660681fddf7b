/* password: asking for a new password. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "base/err.h"

#define PASSWORD_MIN 12
#define PASSWORD_MAX 1024

/* At a terminal twice without echo, else one line of standard input. Caller wipes and frees; NULL with *e permanent when
 * it is too short or the two differ. */
char *password_ask(const char *username, struct err *e) MUST_CHECK;
/* An existing one, "Password for eve@mail.example.com: ": asked once, and nothing is required of it. */
char *password_ask_existing(const char *whose, struct err *e) MUST_CHECK;
void password_freep(char **password);

#endif
