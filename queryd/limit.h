/* limit: how often something may be tried, over all replicas: counted in the cache (cache/cache.h) where there is one and it
 * answers, else in the database. Nobody gets in because neither does: then it is an error. */
#ifndef QUERYD_LIMIT_H
#define QUERYD_LIMIT_H

#include "queryd/call.h"
#include "sys/metrics.h"

extern const struct metric limit_refusals; /* how many requests were not taken, by limit */

#define LIMIT_WINDOW_US (300 * INT64_C(1000000)) /* windows begin at multiples of this */

/* Counts a try under this name. 1: it may be made; 0: `max` of this window are used up, and c's response says so (429 with
 * Retry-After); -1. */
int limit_take(struct call *c, const char *name, uint64_t max, struct err *e) MUST_CHECK;

#define LIMIT_KNOWN_US (90 * 86400 * INT64_C(1000000))

/* May a password for this user be looked at? Counts for the client's network (its address, or of IPv6 64 bits of it) and for
 * the user name, whether there is such a user or not. As limit_take().
 *
 * The count of a name is what bounds guessing from many networks, and anybody can use it up, which must not keep the user
 * out: from a network from which he has signed in within LIMIT_KNOWN_US his tries are counted apart. */
int limit_signin(struct call *c, const char *username, struct err *e) MUST_CHECK;

/* The two halves of it for a sign-in through an OpenID provider: before the provider is asked, for the network alone; and then for
 * what the provider calls the user, apart from tries of passwords, so that those keep nobody out. As limit_take(). */
int limit_signin_network(struct call *c, struct err *e) MUST_CHECK;
int limit_signin_proved(struct call *c, const char *subject, struct err *e) MUST_CHECK;

/* May this request of somebody who is signed in go on? Counts it for the account by its kind (search, read, export,
 * administration) and for the session. 0; -1: the response says why not (429 with Retry-After, or 503). */
int limit_request(struct call *c) MUST_CHECK;

/* The same before it is known who asks, so that guesses of tokens count, too: for the network. */
int limit_stranger(struct call *c) MUST_CHECK;

/* Waits for a turn where the route is a search or asks the index as much (queryd/turns.h); after that limit_leave() must follow. -1: the response says why
 * not (429 or 503, with Retry-After). */
int limit_enter(struct call *c) MUST_CHECK;
void limit_leave(struct call *c);

/* This user has signed in, with the second factor. */
void limit_signin_succeeded(struct call *c, const char *username);

#endif
