"""Other people's caches, each in front of one upstream."""
from support.name_servers import NameServer


class Unbound(NameServer):
    name = "unbound"
    programs = ("unbound",)
    packages = ("unbound",)

    def argv(self):
        self.write("unbound.conf", f"""
server:
  directory: "{self.folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  interface: 127.0.0.1@{self.port}
  num-threads: 1
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  module-config: "iterator"
  minimal-responses: yes
  msg-cache-size: 256m
  rrset-cache-size: 512m
  ratelimit: 0
  ip-ratelimit: 0
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self.upstream}
remote-control:
  control-enable: no
""")
        return [self.program(), "-d", "-c", self.folder / "unbound.conf"]


class KnotResolver(NameServer):
    name = "kresd"
    programs = ("kresd",)
    packages = ("knot-resolver",)

    def argv(self):
        self.write("kresd.conf", f"""
net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
modules.unload('detect_time_skew')
trust_anchors.remove('.')
cache.open(512 * MB, 'lmdb://{self.folder}/cache')
policy.add(policy.all(policy.FORWARD('127.0.0.1@{self.upstream}')))
""")
        return [self.program(), "-n", "-c", self.folder / "kresd.conf", self.folder]


class Dnsdist(NameServer):
    name = "dnsdist"
    programs = ("dnsdist",)
    packages = ("dnsdist",)

    def argv(self):
        self.write("dnsdist.conf", f"""
setSecurityPollSuffix('')
setACL({{'127.0.0.0/8'}})
setLocal('127.0.0.1:{self.port}')
newServer({{address='127.0.0.1:{self.upstream}'}}):setUp()
getPool(''):setCache(newPacketCache(1000000, {{maxTTL=3600}}))
""")
        return [self.program(), "-C", self.folder / "dnsdist.conf", "--supervised",
                "--disable-syslog"]


PEERS = (Unbound, KnotResolver, Dnsdist)
