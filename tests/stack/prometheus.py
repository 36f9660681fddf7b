"""A real Prometheus of its own, with the alert rules of etc/, scraping the metrics of daemons on this machine."""
import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request

from .metrics import program
from .process import end, free_port, private_dir, tail, wait_until
from .site import TOP

RULES = os.path.join(TOP, "etc/prometheus/strongroom.rules.yml")


class Prometheus:
    """ports: {"lmtpd": 9461}, scraped each second as the job `strongroom`; the rules are looked at each second, too."""
    def __init__(self, ports):
        self.program = program("prometheus")
        self.dir = private_dir("strongroom-prometheus.")
        self.port = free_port()
        self.p = None
        targets = "".join("      - targets: ['127.0.0.1:%d']\n        labels: {daemon: %s}\n" % (port, name) for name, port in ports.items())
        with open(self.path("prometheus.yml"), "w") as f:
            f.write("global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n  - %s\nscrape_configs:\n"
                    "  - job_name: strongroom\n    static_configs:\n%s" % (RULES, targets))

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self):
        argv = [self.program, "--config.file=" + self.path("prometheus.yml"), "--storage.tsdb.path=" + self.path("data"),
                "--web.listen-address=127.0.0.1:%d" % self.port, "--log.level=warn"]
        with open(self.path("output"), "wb") as out:
            self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir)
        wait_until("Prometheus is ready", self.is_ready, 60)
        return self

    def is_ready(self):
        try:
            return urllib.request.urlopen("http://127.0.0.1:%d/-/ready" % self.port, timeout=10).status == 200
        except OSError:
            return False

    def get(self, path, **parameters):
        """The data of an answer of its API."""
        url = "http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, urllib.parse.urlencode(parameters))
        with urllib.request.urlopen(url, timeout=60) as r:
            return json.load(r)["data"]

    def query(self, expression):
        """[({label: value}, number)]; an expression that is wrong is an error."""
        return [(s["metric"], float(s["value"][1])) for s in self.get("query", query=expression)["result"]]

    def alerts(self):
        """Names of the alerts that fire."""
        return {a["labels"]["alertname"] for a in self.get("alerts")["alerts"] if a["state"] == "firing"}

    def show_logs(self):
        return "==== Prometheus ====\n" + tail(self.path("output"))

    def close(self):
        if self.p and self.p.poll() is None:
            end(self.p.pid)
        if self.p:
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
