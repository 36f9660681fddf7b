"""The alert rules and the dashboard in etc/: promtool finds nothing wrong with them, each alert is told by the series that it is
about and by no others, and a real Prometheus that scrapes the real daemons knows every expression and fires."""
import json
import os
import re
import subprocess

import pytest
import yaml

from stack import metrics
from stack.process import wait_until
from stack.prometheus import RULES, Prometheus
from stack.site import TOP

DASHBOARD = os.path.join(TOP, "etc/grafana/strongroom.json")
SCRAPE = os.path.join(TOP, "etc/prometheus/strongroom.scrape.yml")
PASSWORD = "correct horse battery staple"
DAY = 86400
no_daemon = pytest.mark.embedded("no daemon takes part")


def buckets(name, labels, slow):
    """A histogram over eight hours in which everything takes under 0.1 seconds, or 1 to 30."""
    return {'%s_bucket{%s,le="%s"}' % (name, labels, le): ("0+0x480" if slow and le in ("0.1", "10") else "0+10x480")
            for le in ("0.1", "10", "30", "+Inf")}


# name: (series that make it fire, series that don't), a value a minute for eight hours
CASES = {
    "StrongroomDown": ({'up{job="strongroom"}': "0x480"}, {'up{job="strongroom"}': "1x480", 'up{job="other"}': "0x480"}),
    "StrongroomArchiveClosed": ({"strongroom_archive_open": "0x480"}, {"strongroom_archive_open": "1x480"}),
    "StrongroomMailPutOff": ({'strongroom_capture_refusals_total{reason="busy"}': "0+1x480"},
                             {'strongroom_capture_refusals_total{reason="busy"}': "5x480",
                              'strongroom_capture_refusals_total{reason="stopping"}': "0+1x480"}),
    "StrongroomMessageTooLarge": ({'strongroom_capture_refusals_total{reason="too_large"}': "0x450 1x30"},
                                  {'strongroom_capture_refusals_total{reason="too_large"}': "7x480"}),
    "StrongroomMailNotCaptured": ({"strongroom_mta_incidents": "1x480"}, {"strongroom_mta_incidents": "0x480"}),
    "StrongroomNothingCaptured": ({'strongroom_capture_messages_total{result="new"}': "5x480"},
                                  {'strongroom_capture_messages_total{result="new"}': "0+1x480"}),
    "StrongroomCaptureSlow": (buckets("strongroom_capture_seconds", 'stage="whole"', True),
                              {**buckets("strongroom_capture_seconds", 'stage="whole"', False),
                               **buckets("strongroom_capture_seconds", 'stage="receive"', True)}),
    "StrongroomInflightFull": ({"strongroom_inflight_bytes": "90x480", "strongroom_inflight_max_bytes": "100x480"},
                               {"strongroom_inflight_bytes": "70x480", "strongroom_inflight_max_bytes": "100x480"}),
    "StrongroomIndexClosed": ({"strongroom_index_open": "0x480"}, {"strongroom_index_open": "1x480"}),
    "StrongroomIngestionLag": ({"strongroom_ingestion_lag_seconds": "1000x480"}, {"strongroom_ingestion_lag_seconds": "800x480"}),
    "StrongroomBackendErrors": ({'strongroom_backend_errors_total{backend="meta",class="temporary"}': "0+60x480"},
                                {'strongroom_backend_errors_total{backend="meta",class="conflict"}': "0+60x480",
                                 'strongroom_backend_errors_total{backend="meta",class="temporary"}': "0+1x480"}),
    "StrongroomOutcomeUnknown": ({'strongroom_backend_errors_total{backend="store",class="unknown"}': "0+1x480"},
                                 {'strongroom_backend_errors_total{backend="store",class="unknown"}': "9x480"}),
    "StrongroomIntegrity": ({'strongroom_integrity_alarms{kind="missing"}': "1x480"}, {'strongroom_integrity_alarms{kind="missing"}': "0x480"}),
    "StrongroomAccountUnequal": ({"strongroom_unequal_accounts": "1x480"}, {"strongroom_unequal_accounts": "0x480"}),
    "StrongroomAuditFailure": ({"strongroom_audit_failures_total": "0x475 1x5"}, {"strongroom_audit_failures_total": "4x480"}),
    "StrongroomAuditUnfinished": ({'strongroom_audit_anomalies{kind="unfinished"}': "1x480"},
                                  {'strongroom_audit_anomalies{kind="signin_refused"}': "9x480"}),
    "StrongroomSigninsRefused": ({'strongroom_audit_anomalies{kind="signin_refused"}': "201x480"},
                                 {'strongroom_audit_anomalies{kind="signin_refused"}': "200x480"}),
    "StrongroomQueryErrors": ({'strongroom_queryd_requests_total{status="503"}': "0+5x480",
                               'strongroom_queryd_requests_total{status="200"}': "0+95x480"},
                              {'strongroom_queryd_requests_total{status="503"}': "0+1x480",
                               'strongroom_queryd_requests_total{status="200"}': "0+99x480"}),
    "StrongroomSearchSlow": (buckets("strongroom_queryd_request_seconds", 'route="POST /api/v1/search/emails/"', True),
                             buckets("strongroom_queryd_request_seconds", 'route="POST /api/v1/search/emails/"', False)),
    "StrongroomExportsWait": ({'strongroom_export_jobs{state="queued"}': "11x480"}, {'strongroom_export_jobs{state="building"}': "11x480"}),
    "StrongroomRemovalRefused": ({'strongroom_removal_objects{state="refused"}': "1x480"}, {'strongroom_removal_objects{state="waiting"}': "9x480"}),
    "StrongroomTaskFails": ({'strongroom_task_failures_total{task="outbox"}': "0+1x480"}, {'strongroom_task_failures_total{task="outbox"}': "9x480"}),
    "StrongroomParserDies": ({'strongroom_parser_workers_replaced_total{reason="died"}': "0+1x480"},
                             {'strongroom_parser_workers_replaced_total{reason="turn"}': "0+1x480"}),
    "StrongroomDiskFull": ({"strongroom_disk_free_bytes": "9x480", "strongroom_disk_size_bytes": "100x480"},
                           {"strongroom_disk_free_bytes": "11x480", "strongroom_disk_size_bytes": "100x480"}),
    "StrongroomDiskFillsUp": ({"strongroom_disk_free_bytes": "9000-1x480"}, {"strongroom_disk_free_bytes": "90000-1x480"}),
    "StrongroomCertificateExpires": ({"strongroom_certificate_expiry_timestamp_seconds": "%dx480" % (20 * DAY)},
                                     {"strongroom_certificate_expiry_timestamp_seconds": "%dx480" % (22 * DAY)}),
    "StrongroomReplicaLag": ({"strongroom_replica_lag_seconds": "301x480"}, {"strongroom_replica_lag_seconds": "30x480"}),
    "StrongroomDescriptors": ({'process_open_fds{job="strongroom"}': "90x480", 'process_max_fds{job="strongroom"}': "100x480"},
                              {'process_open_fds{job="strongroom"}': "10x480", 'process_max_fds{job="strongroom"}': "100x480"}),
}


def rules():
    with open(RULES) as f:
        return [rule for group in yaml.safe_load(f)["groups"] for rule in group["rules"]]


def promtool(*args, **kw):
    return subprocess.run([metrics.program("promtool"), *args], capture_output=True, text=True, **kw)


def of_instance(series, instance):
    label = 'instance="%s"' % instance
    return series[:-1] + "," + label + "}" if series.endswith("}") else series + "{" + label + "}"


def at_once(which, fire):
    """One test of promtool's with the series of all cases (0: bad, 1: good), each of an instance of its own; the alerts that
    fire at its end must be these."""
    series = [{"series": of_instance(s, name), "values": v} for name, case in CASES.items() for s, v in case[which].items()]
    return {"interval": "1m", "input_series": series, "promql_expr_test": [{
        "expr": 'group by (alertname, instance) (ALERTS{alertstate="firing"})' if which else
                'group by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": "479m", "exp_samples": [{"labels": '{alertname="%s"}' % name, "value": 1} for name in fire]}]}


@no_daemon
def test_the_files_are_right():
    r = promtool("check", "rules", RULES)
    assert r.returncode == 0, r.stdout + r.stderr
    r = promtool("check", "config", "--syntax-only", SCRAPE)
    assert r.returncode == 0, r.stdout + r.stderr


@no_daemon
def test_each_rule_says_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["summary"] and len(rule["annotations"]["description"]) > 40, rule["alert"]


@no_daemon
def test_each_alert_fires_when_it_should_and_only_then(tmp_path):
    assert set(CASES) == {rule["alert"] for rule in rules()}
    tests = [at_once(0, CASES), at_once(1, [])]
    path = tmp_path / "rules.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [RULES], "evaluation_interval": "1m", "tests": tests}))
    r = promtool("test", "rules", str(path))
    assert r.returncode == 0, r.stdout + r.stderr


def dashboard():
    with open(DASHBOARD) as f:
        return json.load(f)


def expressions():
    """(panel, expression), with the variables of the dashboard replaced as Grafana does."""
    found = []
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            found.append((panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")))
    return found


@no_daemon
def test_the_dashboard_is_one():
    d = dashboard()
    ids = [p["id"] for p in d["panels"]]
    assert len(ids) == len(set(ids)) and d["uid"] == "strongroom" and d["schemaVersion"] >= 36
    variables = {v["name"] for v in d["templating"]["list"]}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(d))) - {"__rate_interval", "__all"} == variables
    taken = set()
    for p in d["panels"]:
        g = p["gridPos"]
        cells = {(x, y) for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])}
        assert g["x"] + g["w"] <= 24 and not cells & taken, p["title"]
        taken |= cells
        assert p["type"] == "row" or p["targets"], p["title"]


@pytest.fixture
def watched(site, servers):
    """A Site whose daemons a Prometheus scrapes; .prometheus."""
    ports = metrics.listen(site)
    site.write_conf(message_size_max="2K")
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start(*metrics.DAEMONS)
    site.prometheus = Prometheus(ports)
    servers.append(site.prometheus)
    site.prometheus.start()
    return site


def test_a_real_prometheus_scrapes_and_fires(watched):
    p = watched.prometheus
    wait_until("all daemons are scraped", lambda: len(p.query('up{job="strongroom"} == 1')) == 4, 60)
    wait_until("a first value of what is to grow", lambda: p.query('strongroom_capture_refusals_total{reason="too_large"} == 0'), 60)
    with watched.lmtp() as c:
        assert c.send(b"Subject: a\r\n\r\nb\r\n")[0][0] == 250
        c.send(b"Subject: large\r\n\r\n" + b"x" * 70 * 100 + b"\r\n")
    watched.api("eve", PASSWORD, watched.secret).search("a")
    wait_until("the alert fires", lambda: "StrongroomMessageTooLarge" in p.alerts(), 60)
    assert not {"StrongroomDown", "StrongroomIntegrity", "StrongroomMailNotCaptured"} & p.alerts()

    def unknown():
        named = {name for _, e in expressions() for name in re.findall(r"\b(?:strongroom|process)_[a-z_]+", e)}
        return named - set(p.get("label/__name__/values"))

    wait_until("Prometheus knows each metric", lambda: unknown() <= {"strongroom_replica_lag_seconds"}, 60)

    def without_values():
        return {title for title, expression in expressions() if not p.query(expression)}

    # there is no replica, a disk only of what is not at a server, and errors only if there were any
    wait_until("every panel shows something", lambda: without_values() <= {"Replica behind", "Errors", "Not taken"}, 60)
