/* jws: tokens that somebody else has signed (RFC 7515, the compact form), and only those: RS256, PS256 and ES256.
 *
 * The header of a token only says which of the keys that are known to try, and by which of these algorithms; each algorithm is
 * for keys of one kind. So nothing that a token says can make a public key a shared secret, or a signature needless. */
#ifndef SYS_JWS_H
#define SYS_JWS_H

#include "sys/json.h"
#include "sys/jwk.h"

#define JWS_MAX (64u * 1024) /* a token names all groups that somebody is in */

/* The JSON object that was signed: 1, caller frees; 0: the set has no such key, maybe another state of it has, *e says which; -1
 * permanent, for the log. What the object says is the caller's to check: whom it is for, until when. */
int jws_verify(cJSON **claims_r, const struct jwk_set *keys, const char *token, struct err *e) MUST_CHECK;

#endif
