#include "conf/surroundings.h"

#include "sys/certificate.h"

#include <sys/statvfs.h>

enum place { PLACE_STORE, PLACE_META, PLACE_INDEX, PLACE_SPOOL, PLACES };

static const char *const places[PLACES] = { "store", "meta", "index", "spool" };
static _Atomic int64_t free_cells[PLACES], size_cells[PLACES], end_cell;

static const struct metric disk_free = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_disk_free_bytes",
	.help = "Room left in the file system of a local store, database, index, or of the spool directory.",
	.labels = { { "place", places, PLACES } },
	.cells = free_cells,
};
static const struct metric disk_size = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_disk_size_bytes",
	.help = "Size of that file system.",
	.labels = { { "place", places, PLACES } },
	.cells = size_cells,
};
static const struct metric certificate_expiry = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_certificate_expiry_timestamp_seconds",
	.help = "When the certificate of this daemon ends, in seconds since 1970.",
	.seconds = true,
	.cells = &end_cell,
};

const struct metric *const surroundings_metrics[] = { &disk_free, &disk_size, &certificate_expiry, NULL };

/* path NULL: it is at a server. */
static void look_at(enum place place, const char *path)
{
	struct statvfs fs;
	bool known = path && statvfs(path, &fs) == 0;

	metric_set(&disk_free, place, known ? (int64_t)(fs.f_bavail * fs.f_frsize) : METRIC_NOT_KNOWN);
	metric_set(&disk_size, place, known ? (int64_t)(fs.f_blocks * fs.f_frsize) : METRIC_NOT_KNOWN);
}

static int64_t end_of(const char *path)
{
	int64_t end_us;
	struct err e;

	return path && *path && certificate_end(path, &end_us, &e) == 0 ? end_us : METRIC_NOT_KNOWN;
}

void surroundings_refresh(void *surroundings)
{
	const struct surroundings *s = surroundings;

	look_at(PLACE_STORE, conf_local_path(s->conf->store));
	look_at(PLACE_META, conf_local_path(s->conf->meta));
	look_at(PLACE_INDEX, conf_local_path(s->conf->index));
	look_at(PLACE_SPOOL, s->conf->spool_dir);
	metric_set(&certificate_expiry, 0, end_of(s->certificate));
}
