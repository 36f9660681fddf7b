/* server: what all sessions share. Made by main.c before the first session; conf does not change afterwards. */
#ifndef MILTER_SERVER_H
#define MILTER_SERVER_H

#include "archive/archive.h"
#include "milter/gate.h"

#include <stdatomic.h>

struct server {
	const struct conf *conf;
	_Atomic(struct archive *) archive; /* NULL until it could be opened */
	struct gate gate;
};

#endif
