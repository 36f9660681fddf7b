"""Second daemons of the same archive, as they would run on another machine."""
import os
import shutil
import time

from .api import Api
from .process import free_port, pause
from .site import Daemon, Site


def pause_between_writes(site, pid):
    """Stops a daemon where it holds nothing in the database, for which others would wait."""
    pause(pid)
    while site.meta.is_held():
        pause(pid, False)
        time.sleep(0.05)
        pause(pid)


class Second:
    """Of name's kind, started and ready; close() ends it. settings: what is other than at `site`."""
    def __init__(self, site, name, settings):
        self.dir, self.site, self.name = site.path("second-" + name), site, name
        folders = {"run_dir": self.path("run"), "spool_dir": self.path("spool")}
        conf = Site(dir=self.dir, settings={**site.settings, **folders, **settings}).conf
        for folder in folders.values():
            os.makedirs(folder, exist_ok=True)
            os.chown(folder, *site.owner())
        self.daemon = Daemon(name, [site.program("strongroom-" + name)], {**site.env(site.meta.environment(name)), "STRONGROOM_CONF": conf},
                             self.path("output"), self.path("notify"))
        self.daemon.wait_ready(60)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def close(self):
        if self.daemon.running():
            self.daemon.end(15, 60)
        shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        with open(self.daemon.log) as f:
            return "==== second %s ====\n%s" % (self.name, f.read())


class Worker(Second):
    """A strongroom-workerd."""
    def __init__(self, site, **settings):
        super().__init__(site, "workerd", {"node": "other", **settings})


class Replica(Second):
    """A strongroom-queryd."""
    def __init__(self, site, settings=None):
        self.port = free_port()
        super().__init__(site, "queryd", {"queryd.listen": "127.0.0.1:%d" % self.port, **(settings or {})})

    def api(self):
        return Api("https://127.0.0.1:%d" % self.port, self.site.ca)
