/* server: what all sessions share. Made by main.c before the first session; conf does not change afterwards. */
#ifndef MILTER_SERVER_H
#define MILTER_SERVER_H

#include "archive/door.h"
#include "milter/gate.h"

struct server {
	const struct conf *conf;
	struct door door;
	struct gate gate;
};

#endif
