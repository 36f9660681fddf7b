/* audit_syslog: the way to a syslog server: a local datagram socket, TCP with counted messages (RFC 6587), or TLS (RFC 5425). */
#ifndef WORKERD_AUDIT_SYSLOG_H
#define WORKERD_AUDIT_SYSLOG_H

#include "conf/conf.h"

struct audit_syslog;

/* Connects to conf->workerd_audit_syslog. -1 with *e. */
int audit_syslog_open(struct audit_syslog **s_r, const struct conf *conf, struct err *e) MUST_CHECK;
void audit_syslog_closep(struct audit_syslog **s);

/* One message. -1 temporary: nobody knows how much of it arrived; close, and send again what was not confirmed. */
int audit_syslog_send(struct audit_syslog *s, const char *message, struct err *e) MUST_CHECK;

/* Waits until the other side has taken what was sent: its host over TCP, which is all that syslog tells. */
int audit_syslog_confirm(struct audit_syslog *s, struct err *e) MUST_CHECK;

#endif
