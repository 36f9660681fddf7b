"""kill -9 of any process at any moment loses nothing that was acknowledged, doubles nothing, and leaves nothing that a
restart doesn't mend. DURABILITY_KILLS (default 600) says how often."""
import contextlib
import os
import random
import signal
import time

import pytest

from oracle import Load, check_all, wait_searchable
from stack.process import children

pytestmark = [pytest.mark.faults, pytest.mark.heavy]

KILLS = int(os.environ.get("DURABILITY_KILLS", "600"))
SEED = int(os.environ.get("DURABILITY_SEED", str(random.randrange(1 << 30))))


def kill_parser(site, chance):
    """A parser worker of some daemon, at work on a message or not."""
    workers = [pid for name in ("lmtpd", "workerd") for pid in children(site.pid(name))]
    if workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(workers), signal.SIGKILL)


def kill_daemons(site, *names):
    site.kill(*names)
    site.start(*names)


VICTIMS = [
    (6, lambda site, chance: kill_daemons(site, "lmtpd")),
    (2, lambda site, chance: kill_daemons(site, "workerd")),
    (1, lambda site, chance: kill_daemons(site, "lmtpd", "workerd")),
    (3, kill_parser),
]


def test_kill_anything_at_any_moment(new_site):
    print("DURABILITY_SEED=%d" % SEED)
    chance = random.Random(SEED)
    # a short wait for the index, so that a slow one leaves work to the outbox; a fast drain, so that it overlaps
    site = new_site(settings={"index_wait": "50ms", "workerd.outbox_interval": "200ms"})
    site.init()
    site.start("lmtpd", "workerd")
    load = Load(("127.0.0.1", site.lmtp_port), connections=6).start()
    deeds, weights = [v[1] for v in VICTIMS], [v[0] for v in VICTIMS]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 0.3) ** 2 * 3)
        chance.choices(deeds, weights)[0](site, chance)
    load.stop()
    load.offer_again()
    assert len(load.acked) > KILLS
    wait_searchable(site)
    assert check_all(site, load) == len(load.sent)
    assert site.stop() == 0


@pytest.mark.embedded("damages the index's file")
def test_kill_while_the_index_is_rebuilt(new_site):
    """A rebuild that dies leaves the old index; the one that works holds everything, also what came meanwhile."""
    chance = random.Random(SEED)
    site = new_site(settings={"index_wait": "50ms", "workerd.outbox_interval": "200ms"})
    site.init()
    site.start("lmtpd")
    load = Load(("127.0.0.1", site.lmtp_port), connections=4).start()
    time.sleep(1)
    for _ in range(10):
        with open(site.path("index", "index.db"), "r+b") as f:
            f.truncate(chance.choice([0, 100, 4096, 5000]))
        site.start("workerd")
        time.sleep(chance.uniform(0, 0.5))
        site.kill("workerd")
    site.start("workerd")
    load.stop()
    load.offer_again()
    wait_searchable(site)
    assert check_all(site, load) == len(load.sent)
    assert site.stop() == 0
