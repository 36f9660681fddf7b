"""What the daemons show to Prometheus: that it counts what happened, is complete in the manual, and is text that Prometheus'
own tool finds nothing wrong with; and that nobody can hold the listeners up, or learn from them whose mail it is."""
import os
import re
import socket
import subprocess

import pytest

from stack import metrics
from stack.engines import stack_name
from stack.process import wait_until
from stack.site import TOP

PASSWORD = "correct horse battery staple"


@pytest.fixture
def shown(site):
    """A Site whose four daemons run and show their metrics; .ports by daemon."""
    site.ports = metrics.listen(site)
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start(*metrics.DAEMONS)
    return site


def capture(site, *bodies, recipient=b"alice@example.org"):
    with site.lmtp() as c:
        return [c.send(b"Subject: secret-subject\r\n\r\n" + body, recipients=[recipient])[0] for body in bodies]


def test_counts_what_is_captured(shown):
    before = metrics.read(shown.ports["lmtpd"])
    capture(shown, b"one\r\n", b"two\r\n", b"one\r\n")
    after = metrics.read(shown.ports["lmtpd"])

    def grown(series):
        return after[series] - before[series]

    assert grown('strongroom_capture_messages_total{result="new"}') == 2
    assert grown('strongroom_capture_messages_total{result="known"}') == 1
    assert grown("strongroom_capture_bytes_total") == 2 * len(b"Subject: secret-subject\r\n\r\none\r\n")
    assert grown("strongroom_capture_commits_total") == 2
    for stage, n in {"receive": 3, "put": 2, "parse": 2, "commit": 2, "whole": 3}.items():
        assert grown('strongroom_capture_seconds_count{stage="%s"}' % stage) == n, stage
    assert after["strongroom_archive_open"] == 1 and after["strongroom_inflight_bytes"] == 0


def test_counts_refusals_and_failures(site):
    ports = metrics.listen(site, "lmtpd")
    site.write_conf(message_size_max="2K")
    site.start("lmtpd")
    with site.lmtp() as c:
        c.send(b"Subject: large\r\n\r\n" + b"x" * 70 * 100 + b"\r\n")
    assert metrics.read(ports["lmtpd"])['strongroom_capture_refusals_total{reason="too_large"}'] == 1


def test_requests_by_route_and_status(shown):
    api = shown.api("eve", PASSWORD, shown.secret)
    api.search("nothing")
    api.json("GET", "/api/v1/no-such-thing")
    assert shown.api().json("GET", "/api/v1/archive/emails/x/")[0] == 401

    def counted():
        m = metrics.read(shown.ports["queryd"])
        return [m.get('strongroom_queryd_requests_total{route="%s",status="%d"}' % key) for key in (
            ("POST /api/v1/search/emails/", 200), ("none", 404), ("GET /api/v1/archive/emails/{id}/", 401))]

    wait_until("the requests are counted", lambda: counted() == [1, 1, 1])
    m = metrics.read(shown.ports["queryd"])
    assert m['strongroom_queryd_request_seconds_count{route="POST /api/v1/search/emails/"}'] == 1
    assert m['strongroom_index_seconds_count{operation="search"}'] >= 1
    assert m["strongroom_certificate_expiry_timestamp_seconds"] > m["process_start_time_seconds"]


def test_state_of_the_installation(shown):
    capture(shown, b"one\r\n")
    m = metrics.read_state(shown.ports["workerd"])
    assert m['strongroom_integrity_alarms{kind="missing"}'] == 0
    assert m['strongroom_audit_anomalies{kind="unfinished"}'] == 0
    assert m["strongroom_outbox_messages"] in (0, 1)
    assert 'strongroom_task_failures_total{task="outbox"}' in m
    if stack_name() == "embedded":
        assert m['strongroom_disk_free_bytes{place="store"}'] > 0
        assert m["strongroom_ingestion_lag_seconds"] >= 0


def test_the_manual_names_each_metric(shown):
    page = open(os.path.join(TOP, "man/strongroom-metrics.7")).read()
    named = set(re.findall(r"\b((?:strongroom|process)_[a-z_]+)", page))
    real = set().union(*(metrics.families(port) for port in shown.ports.values()))
    assert named == real


def test_promtool_finds_nothing_wrong(shown):
    promtool = metrics.program("promtool")
    capture(shown, b"one\r\n")
    shown.api("eve", PASSWORD, shown.secret).search("one")
    for name, port in shown.ports.items():
        text = metrics.get(("127.0.0.1", port))[2]
        r = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        assert (r.returncode, r.stdout + r.stderr) == (0, ""), name


def test_nothing_of_a_message_or_person_is_shown(shown):
    capture(shown, b"secret-body\r\n", recipient=b"secret-recipient@example.org")
    api = shown.api("eve", PASSWORD, shown.secret)
    api.search("secret-query")
    api.json("GET", "/secret-path?secret-parameter=1")
    for port in shown.ports.values():
        text = metrics.get(("127.0.0.1", port))[2]
        assert not re.search(r"secret|\beve\b|example", text)


def test_slow_clients_hold_nobody_up(shown):
    port = shown.ports["lmtpd"]
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for s in silent[::2]:
        s.send(b"GET /metr")
    assert metrics.get(("127.0.0.1", port))[0] == 200
    assert capture(shown, b"meanwhile\r\n")[0][0] == 250
    for s in silent:
        s.close()


def test_only_get_metrics(shown):
    at = ("127.0.0.1", shown.ports["workerd"])
    assert metrics.get(at, b"GET / HTTP/1.1\r\n\r\n")[0] == 404
    status, headers, _ = metrics.get(at, b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
    assert (status, headers["Allow"]) == (405, "GET")
    status, headers, _ = metrics.get(at)
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_unix_socket_for_owner_and_group(site):
    path = site.path("run", "metrics.sock")
    site.write_conf(workerd__metrics="unix:" + path)
    site.start("workerd")
    assert metrics.get(path)[0] == 200
    assert os.stat(path).st_mode & 0o777 == 0o660
    site.stop("workerd")
    assert not os.path.exists(path)


def test_off_by_default_and_an_address_in_use(site):
    site.start("lmtpd")
    assert not [line for line in site.log("lmtpd") if "metrics" in line["message"]]
    site.stop("lmtpd")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        site.write_conf(lmtpd__metrics="inet:127.0.0.1:%d" % s.getsockname()[1])
        r = subprocess.run([site.program("strongroom-lmtpd")], env=site.env(site.meta.environment("lmtpd")), capture_output=True,
                           timeout=60)
    assert r.returncode == 75 and b"metrics: bind(" in r.stderr
