"""Replica: a second strongroom-queryd of the same archive, as it would run on another machine."""
import os
import shutil

from .api import Api
from .process import free_port
from .site import Daemon, Site


class Replica:
    """Started and ready; close() ends it."""
    def __init__(self, site):
        self.dir = site.path("replica")
        self.port = free_port()
        self.site = site
        run_dir = site.path("replica-run")
        conf = Site(dir=self.dir, settings={**site.settings, "queryd.listen": "127.0.0.1:%d" % self.port, "run_dir": run_dir}).conf
        os.makedirs(run_dir, exist_ok=True)
        os.chown(run_dir, *site.owner())
        self.daemon = Daemon("queryd", [site.program("strongroom-queryd")], {**site.env(), "STRONGROOM_CONF": conf}, site.path("replica.log"),
                             site.path("replica.notify"))
        self.daemon.wait_ready(30)

    def api(self):
        return Api("https://127.0.0.1:%d" % self.port, self.site.ca)

    def close(self):
        if self.daemon.running():
            self.daemon.end(15, 20)
        shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        with open(self.daemon.log) as f:
            return "==== replica ====\n" + f.read()
