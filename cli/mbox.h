/* mbox: the messages of a mailbox file, one after the other, in bounded memory.
 *
 * A message begins behind a From_ line ("From sender Mon Jan  5 12:00:00 2009", some date formats of old programs
 * too) and ends before the next one, without the empty line that mailbox writers put there. Its bytes stay as they are
 * in the file, ">From " quoting included, since a file does not say whether its writer quoted; `unquote` takes one '>'
 * off as mboxrd writers put it on. One thread. */
#ifndef CLI_MBOX_H
#define CLI_MBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MBOX_SENDER_SIZE 321

struct mbox;

/* Reads from fd, which stays the caller's, from where it stands, behind `head`, which was read from there already. */
struct mbox *mbox_new(int fd, const void *head, size_t head_n, bool unquote);
void mbox_freep(struct mbox **m);

struct mbox_message {
	uint64_t offset;	       /* of its From_ line */
	char sender[MBOX_SENDER_SIZE]; /* from the From_ line if that is an address, else "" */
};

/* Goes to the next message: 1; 0 at the end of the file; -1 when it can't be read, or permanent when the file does not
 * begin with a From_ line. What mbox_read() left of the message before is passed over. */
int mbox_next(struct mbox *m, struct mbox_message *message_r, struct err *e) MUST_CHECK;

/* The next piece of the message, valid until the next call: 1; 0 at its end; -1 temporary. */
int mbox_read(struct mbox *m, const char **data_r, size_t *n_r, struct err *e) MUST_CHECK;

/* Is this (without its line end) a From_ line? For a file's first line "From " is enough. */
bool mbox_is_from_line(const char *line, size_t n);

#endif
