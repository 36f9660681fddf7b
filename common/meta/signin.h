/* signin: from where people have signed in lately. A name is a hash that the caller makes, of at most 64 characters. */
#ifndef META_SIGNIN_H
#define META_SIGNIN_H

#include "meta/meta.h"

/* Notes a sign-in, which counts until then. A crash may forget it. */
int meta_signin_note(struct meta *m, const char *name, int64_t now_us, int64_t until_us, struct err *e) MUST_CHECK;

/* Does one count now? 1, 0, -1. */
int meta_signin_known(struct meta *m, const char *name, int64_t now_us, struct err *e) MUST_CHECK;

#endif
