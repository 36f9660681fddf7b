/* parser_protocol: what daemon and parser worker say to each other over the worker's descriptor 3,
 * a stream socket.
 *
 * A worker first sends PARSER_READY with its protocol version, when its sandbox is closed behind it:
 * a daemon that an upgrade left behind must not take a newer worker's answers for nonsense of the
 * message. Then, one at a time: a
 * request, which holds the message or, when it is longer than PARSER_INLINE_MAX, has its descriptor
 * beside the first byte; and the answer.
 *
 *	request	length (32 bits, of what follows), operation (8 bits), tagged values
 *		(base/pack: tag, length, bytes)
 *	answer	length (32 bits, of what follows), kind (8 bits), payload
 *
 * Room for more: a worker skips tags that it does not know and answers PARSER_REFUSED to an
 * operation that it does not know; parsed.h says the same of the values in PARSER_PARSED. */
#ifndef MAIL_PARSER_PROTOCOL_H
#define MAIL_PARSER_PROTOCOL_H

#define PARSER_FD 3
#define PARSER_PROTOCOL_VERSION 1 /* +1 with every change that an older peer would misread */
#define PARSER_INLINE_MAX 32768
#define PARSER_REQUEST_MAX (PARSER_INLINE_MAX + 4096)
#define PARSER_ANSWER_MAX (32u * 1024 * 1024)
#define PARSER_CHUNK 65536

enum parser_operation {
	PARSER_PARSE = 1,   /* answered by PARSED */
	PARSER_EXTRACT = 2, /* answered by DATA, as many as it takes, and END; or by NONE */
};

enum parser_value {
	PARSER_CPU_MS = 1, /* 32 bits: processor time after which the worker ends itself */
	PARSER_INDEX = 2,  /* 32 bits: which attachment to extract */
	PARSER_BYTES = 3,  /* the message */
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
