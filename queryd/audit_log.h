/* audit_log: the audit as auditors read it: who did what, and who looked at a mailbox. No mail is in it. */
#ifndef QUERYD_AUDIT_LOG_H
#define QUERYD_AUDIT_LOG_H

#include "queryd/route.h"

extern const struct route audit_log_routes[];

#endif
