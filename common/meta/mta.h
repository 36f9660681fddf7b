/* mta: what is kept of the comparison of a mail server's log with what was captured (schema/0005_capture_mta.sql). Not for
 * queryd. */
#ifndef META_MTA_H
#define META_MTA_H

#include "base/uuid.h"
#include "meta/meta.h"

#include <stdbool.h>

#define MTA_TEXT_MAX 255 /* bytes of host, client and header_id */

enum mta_origin { MTA_NOT_TOLD = 0, MTA_CLIENT = 1, MTA_LOCAL = 2 };

enum mta_fate { MTA_OPEN = 0, MTA_REFUSED = 1, MTA_DISCARDED = 2, MTA_BROKEN = 3 };

/* A message of a mail server, as its log tells it. */
struct mta_message {
	char *host, *queue_id;
	enum mta_origin origin;
	uint64_t pid; /* of the smtpd that takes it; 0 */
	int64_t begun_us, accepted_us, removed_us; /* 0: not told */
	int64_t last_us;  /* of the last line about it */
	enum mta_fate fate;
	bool captured, looked_up; /* looked up by its queue id, in vain unless it is captured */
	int64_t slack_us;
	bool archived; /* archive_id is set */
	struct uuid archive_id;
	char *before_id; /* or "" */
	char *client, *header_id;
};

void mta_message_deinit(struct mta_message *m);

struct mta_incident {
	const struct mta_message *message;
	int64_t found_us;
};

struct mta_unaccepted {
	const struct mta_message *message;
	struct uuid id; /* of the captured message */
	int64_t found_us;
};

struct mta_place {
	const char *path;
	uint64_t device, inode, position;
	int64_t line_us, read_us;
};

/* What a turn came to, kept in one transaction. */
struct mta_result {
	const struct mta_message *const *changed; /* are as they are here */
	size_t changed_count;
	const struct mta_message *const *closed; /* need not be known any more */
	size_t closed_count;
	const struct mta_incident *incidents; /* those that are known stay as they are */
	size_t incident_count;
	const struct mta_unaccepted *unaccepted;
	size_t unaccepted_count;
	const struct mta_message *const *released; /* accepted after all: withdrawn where they were unaccepted */
	size_t released_count;
	const struct mta_place *place; /* NULL: of no log that is followed */
};

int meta_mta_keep(struct meta *m, const struct mta_result *r, int64_t now_us, struct err *e) MUST_CHECK;

/* Gives each message that is not judged yet; take() owns what is in it. */
int meta_mta_open(struct meta *m, void (*take)(void *ctx, struct mta_message *message), void *ctx, struct err *e)
	MUST_CHECK;

/* 1 with the place at which a log was left, 0, -1. */
int meta_mta_place(struct meta *m, const char *path, struct mta_place *p_r, struct err *e) MUST_CHECK;

/* Gives queue id and archive id of every captured message of [from, until) that has one: queue_id is valid in the call. */
int meta_mta_captured(struct meta *m, const struct uuid *from, const struct uuid *until,
	void (*take)(void *ctx, const char *queue_id, const struct uuid *id), void *ctx, struct err *e) MUST_CHECK;

/* ---- for people ---- */

struct mta_counts {
	uint64_t incidents;  /* open */
	uint64_t unaccepted; /* not withdrawn */
	uint64_t undecided;
	int64_t line_us, read_us; /* of the log that was read furthest; 0: none is followed */
};
int meta_mta_counts(struct meta *m, struct mta_counts *c_r, struct err *e) MUST_CHECK;

struct mta_found {
	char *host, *queue_id, *client, *header_id;
	int64_t accepted_us;
};
void mta_found_deinit(struct mta_found *f);

/* Up to max open incidents, the oldest first; caller deinits each. */
int meta_mta_incidents(struct meta *m, struct mta_found *found_r, size_t max, size_t *n_r, struct err *e) MUST_CHECK;

/* Settles the open incidents of a queue id (of any host): somebody has seen to them. *n_r of them. */
int meta_mta_settle(struct meta *m, const char *queue_id, const char *note, int64_t now_us, uint64_t *n_r, struct err *e)
	MUST_CHECK;

#endif
