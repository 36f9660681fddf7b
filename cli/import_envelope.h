/* import_envelope: who sent a stored message to whom, as far as the system that delivered it wrote that down. */
#ifndef CLI_IMPORT_ENVELOPE_H
#define CLI_IMPORT_ENVELOPE_H

#include "mail/capture.h"

/* Sets mail_from and, unless there are recipients already, the recipients of c, whose message is finished: from the
 * first Return-Path (else `sender`, from a From_ line), and from every Delivered-To and X-Original-To. */
void import_envelope_read(struct capture *c, const char *sender);

#endif
