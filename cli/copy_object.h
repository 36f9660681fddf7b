/* copy_object: one object from one store to another, compared with its SHA-256 when it is read and again in its new place. */
#ifndef CLI_COPY_OBJECT_H
#define CLI_COPY_OBJECT_H

#include "cli/copy.h"
#include "meta/message_row.h"

enum copy_object {
	COPY_OBJECT_FAILED = -1, /* *e: temporary; or permanent: the target has something else in its place */
	COPY_OBJECT_DONE = 0,	 /* the row says where it is now */
	COPY_OBJECT_LOST = 1,	 /* *e: the source does not have it as it was archived; the row is as it was */
	COPY_OBJECT_DISPOSED = 2, /* it was disposed of: no object is copied. Where an earlier copy brought it, the row says so */
};

/* disposed: when the row was read. It may be by now. Any number of threads. */
enum copy_object copy_object(struct copy *c, struct message_row *row, bool disposed, struct err *e) MUST_CHECK;

#endif
