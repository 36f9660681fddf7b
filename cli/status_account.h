/* status_account: what strongroom-workerd keeps, for `strongroom status`: the account of the last days, what was found wrong,
 * and what Postfix accepted that was not captured. */
#ifndef CLI_STATUS_ACCOUNT_H
#define CLI_STATUS_ACCOUNT_H

#include "meta/mta.h"
#include "meta/reconcile.h"
#include "sys/json.h"

#define STATUS_DAYS 7

struct status_account {
	bool known;
	struct reconcile_account days[STATUS_DAYS]; /* the newest first */
	size_t n;
	uint64_t unequal;		  /* of all days */
	uint64_t alarms[RECONCILE_KINDS]; /* open, by kind */
	uint64_t orphans;
	struct mta_counts mta;
};

int status_account_load(struct status_account *a, struct meta *m, struct err *e) MUST_CHECK;

/* Must somebody look? */
bool status_account_is_wrong(const struct status_account *a);

/* Lines for a person; members of a JSON object. Nothing is printed that is not known. */
void status_account_print(const struct status_account *a);
void status_account_add(const struct status_account *a, cJSON *j);

/* "object missing": what an alarm of this kind is about. */
const char *status_alarm_name(enum reconcile_alarm_kind kind);

#endif
