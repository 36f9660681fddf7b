/* ingest: POST /api/v1/archive/ingest/: a program hands in a message. It goes to strongroom-lmtpd, which archives it as
 * any other: there is one way into the archive, and this program has no right to write there.
 *
 * The answer is the archive id. The same message for the same recipients again gives the same id. */
#ifndef QUERYD_INGEST_H
#define QUERYD_INGEST_H

#include "queryd/route.h"

#define INGEST_BODY_MAX (96u * 1024 * 1024)

extern const struct route ingest_routes[];

#endif
