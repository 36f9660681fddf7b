/* io: whole reads and writes, and the file-system operations that durability needs. EINTR is handled everywhere. */
#ifndef SYS_IO_H
#define SYS_IO_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Closes *fd unless it is -1 and sets it to -1; errno is kept. Fit for CLEANUP(). */
void io_closep(int *fd);
#define _close_ CLEANUP(io_closep)

/* Writes all of it or fails with errno set. */
int io_write_all(int fd, const void *data, size_t n) MUST_CHECK;

/* Reads exactly n bytes: 1; 0 when the end came before the first byte; -1 with errno (EPIPE: the end came in between). */
int io_read_exact(int fd, void *data, size_t n) MUST_CHECK;

/* A whole file of at most max bytes into b (reset first). */
int io_read_file(struct buf *b, const char *path, size_t max, struct err *e) MUST_CHECK;

/* Makes the data and size of fd durable. A failed fsync may have dropped the dirty pages for good (a second fsync would
 * lie), so on failure the process ends with log_fatal: whoever waits gets no 250 and tries again. */
void io_fsync_or_die(int fd, const char *path);

/* The same for the entries of a directory. */
void io_fsync_dir_or_die(int dirfd, const char *path);

/* mkdir -p below an existing directory, each new entry made durable. path is relative to dirfd. */
int io_mkdirs(int dirfd, const char *path, mode_t mode, struct err *e) MUST_CHECK;

/* Writes a file so that a crash leaves the old or the new one: temp, fsync, rename, fsync of the directory. */
int io_replace_file(const char *path, const void *data, size_t n, mode_t mode, struct err *e) MUST_CHECK;

/* One datagram or record over a Unix socket, with a descriptor beside it (fd -1: none). */
int io_send_fd(int socket, const void *data, size_t n, int fd) MUST_CHECK;

#endif
