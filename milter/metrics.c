#include "milter/metrics.h"

#include "archive/capture_metrics.h"
#include "conf/surroundings.h"
#include "index/index_metrics.h"
#include "mail/parser_metrics.h"
#include "sys/metrics_backend.h"

static _Atomic int64_t transactions_cell;

static const struct metric transactions = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_milter_transactions",
	.help = "Messages that mail servers are bringing.",
	.cells = &transactions_cell,
};

static const struct metric *const own[] = { &transactions, &backend_errors, &index_seconds, &parser_replaced, NULL };

static void refresh(void *server)
{
	struct server *s = server;

	metric_set(&transactions, 0, (int64_t)gate_transactions(&s->gate));
}

int milter_metrics_start(struct metrics_server **s_r, struct server *server, struct err *e)
{
	static struct metrics_source sources[3];
	static struct surroundings around;
	const struct conf *conf = server->door.conf;

	around = (struct surroundings){ .conf = conf };
	sources[0] = (struct metrics_source){ capture_metrics, capture_metrics_refresh, &server->door };
	sources[1] = (struct metrics_source){ own, refresh, server };
	sources[2] = (struct metrics_source){ surroundings_metrics, surroundings_refresh, &around };
	return metrics_server_start(s_r, conf->milter_metrics, sources, ARRAY_LEN(sources), e);
}
