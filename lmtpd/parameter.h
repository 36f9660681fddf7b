/* parameter: the ESMTP parameters of MAIL and RCPT. */
#ifndef LMTPD_PARAMETER_H
#define LMTPD_PARAMETER_H

#include "lmtpd/command.h"

/* Reads the blank-separated list c->args by what c->verb allows. REPLY_NONE, REPLY_BAD_PARAMETER or
 * REPLY_UNKNOWN_PARAMETER. */
enum reply parameters_parse(struct command *c) MUST_CHECK;

#endif
