#include "sys/metrics_process.h"

#include "base/clock.h"
#include "sys/io.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define VERSIONS (&(const char *const){ STRONGROOM_VERSION })

static _Atomic int64_t build_cell = 1, cpu_cell, memory_cell, descriptors_cell, descriptors_max_cell, start_cell;

static const struct metric build = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_build_info",
	.help = "1, with the version of the program.",
	.labels = { { "version", VERSIONS, 1 } },
	.cells = &build_cell,
};
static const struct metric cpu = {
	.kind = METRIC_COUNTER,
	.name = "process_cpu_seconds_total",
	.help = "Processor time of the process, user and system.",
	.seconds = true,
	.cells = &cpu_cell,
};
static const struct metric memory = {
	.kind = METRIC_GAUGE,
	.name = "process_resident_memory_bytes",
	.help = "Memory of the process that is in use.",
	.cells = &memory_cell,
};
static const struct metric descriptors = {
	.kind = METRIC_GAUGE,
	.name = "process_open_fds",
	.help = "Open descriptors of the process.",
	.cells = &descriptors_cell,
};
static const struct metric descriptors_max = {
	.kind = METRIC_GAUGE,
	.name = "process_max_fds",
	.help = "How many descriptors it may have.",
	.cells = &descriptors_max_cell,
};
static const struct metric start = {
	.kind = METRIC_GAUGE,
	.name = "process_start_time_seconds",
	.help = "When the process began, in seconds since 1970.",
	.seconds = true,
	.cells = &start_cell,
};

static int64_t cpu_us(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) ? METRIC_NOT_KNOWN : t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

/* Second number of /proc/self/statm, in pages. */
static int64_t resident_bytes(void)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(256);
	struct err e;
	long long size, resident;

	if (io_read_file(&text, "/proc/self/statm", 256, &e) || sscanf(text.data, "%lld %lld", &size, &resident) != 2)
		return METRIC_NOT_KNOWN;
	return resident * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int64_t n = 0;

	if (!d)
		return METRIC_NOT_KNOWN;
	for (const struct dirent *entry; (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	closedir(d);
	return n - 1; /* that of the directory */
}

static int64_t descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? METRIC_NOT_KNOWN : (int64_t)limit.rlim_cur;
}

static void refresh(void *unused)
{
	(void)unused;
	metric_set(&cpu, 0, cpu_us());
	metric_set(&memory, 0, resident_bytes());
	metric_set(&descriptors, 0, open_descriptors());
	metric_set(&descriptors_max, 0, descriptor_limit());
}

void metrics_process_begun(void)
{
	metric_set(&start, 0, clock_now_us());
}

static const struct metric *const metrics[] = { &build, &cpu, &memory, &descriptors, &descriptors_max, &start, NULL };

const struct metrics_source metrics_process = { metrics, refresh, NULL };
