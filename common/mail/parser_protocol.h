/* parser_protocol: what daemon and parser worker say to each other over the worker's descriptor 3, a stream socket,
 * and where the messages are: in the window, memory of both from the start to the end of the worker (its descriptor
 * 4), which the daemon alone writes, or, when they are longer than that, behind a descriptor beside the request's first
 * byte.
 *
 * A worker first sends PARSER_READY with its protocol version, when its sandbox is closed behind it: a daemon that an
 * upgrade left behind must not take a newer worker's answers for nonsense of the message. Then, one at a time: a
 * request and its answer. The window belongs to the request until the answer is whole.
 *
 *	request	length (32 bits, of what follows), operation (8 bits), tagged values
 *		(base/pack: tag, length, bytes)
 *	answer	length (32 bits, of what follows), kind (8 bits), payload
 *
 * Room for more: a worker skips tags that it does not know and answers PARSER_REFUSED to an operation that it does not
 * know; parsed.h says the same of the values in PARSER_PARSED. */
#ifndef MAIL_PARSER_PROTOCOL_H
#define MAIL_PARSER_PROTOCOL_H

#include "mail/message.h"

#define PARSER_FD 3
#define PARSER_WINDOW_FD 4
#define PARSER_WINDOW MESSAGE_MEMORY_MAX /* bytes: what is kept in memory fits */
#define PARSER_PROTOCOL_VERSION 2	 /* +1 with every change that an older peer would misread */
#define PARSER_REQUEST_MAX 4096
#define PARSER_ANSWER_MAX (32u * 1024 * 1024)
#define PARSER_CHUNK 65536

enum parser_operation {
	PARSER_PARSE = 1,   /* answered by PARSED */
	PARSER_EXTRACT = 2, /* answered by DATA, as many as it takes, and END; or by NONE */
};

enum parser_value {	  /* 1 and 3 were version 1's */
	PARSER_INDEX = 2, /* 32 bits: which attachment to extract */
	PARSER_SIZE = 4,  /* 64 bits: of the message */
};

enum parser_answer {
	PARSER_READY = 1,   /* 32 bits: PARSER_PROTOCOL_VERSION */
	PARSER_PARSED = 2,  /* parsed_encode() */
	PARSER_DATA = 3,    /* at most PARSER_CHUNK decoded bytes */
	PARSER_END = 4,	    /* no payload: that was all */
	PARSER_NONE = 5,    /* no payload: there is no such attachment */
	PARSER_REFUSED = 6, /* no payload: not an operation of this worker */
};

#endif
