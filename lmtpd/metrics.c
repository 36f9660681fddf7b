#include "lmtpd/metrics.h"

#include "archive/capture_metrics.h"
#include "conf/surroundings.h"
#include "index/index_metrics.h"
#include "mail/parser_metrics.h"
#include "sys/metrics_backend.h"

static const char *const reasons[REFUSALS] = { [REFUSAL_NOT_A_PEER] = "not_a_peer", [REFUSAL_TOO_MANY] = "too_many" };
static _Atomic int64_t refused_cells[REFUSALS], connections_cell, connections_max_cell;

const struct metric lmtpd_refused = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_lmtpd_connections_refused_total",
	.help = "Connections that were not served: not_a_peer (see the setting peers), too_many (connections_max).",
	.labels = { { "reason", reasons, REFUSALS } },
	.cells = refused_cells,
};
static const struct metric connections = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_lmtpd_connections",
	.help = "Clients that are connected.",
	.cells = &connections_cell,
};
static const struct metric connections_max = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_lmtpd_max_connections",
	.help = "How many there may be (connections_max).",
	.cells = &connections_max_cell,
};

static const struct metric *const own[] = { &lmtpd_refused, &connections, &connections_max, &backend_errors, &index_seconds,
	&parser_replaced, NULL };

static void refresh(void *listener)
{
	struct listener *l = listener;

	metric_set(&connections, 0, (int64_t)connections_count(&l->connections));
	metric_set(&connections_max, 0, (int64_t)l->connections_max);
}

int lmtpd_metrics_start(struct metrics_server **s_r, struct listener *l, struct err *e)
{
	static struct metrics_source sources[3];
	static struct surroundings around;
	const struct conf *conf = l->server->conf;

	around = (struct surroundings){ conf, conf->lmtpd_tls_cert };
	sources[0] = (struct metrics_source){ capture_metrics, capture_metrics_refresh, &l->server->door };
	sources[1] = (struct metrics_source){ own, refresh, l };
	sources[2] = (struct metrics_source){ surroundings_metrics, surroundings_refresh, &around };
	return metrics_server_start(s_r, conf->lmtpd_metrics, sources, ARRAY_LEN(sources), e);
}
