"""What the demo's machines write without being asked: syslog, checkpoints, a notice now and then."""

from __future__ import annotations

from random import Random

from aggregator.demo import cast, stamps, traces
from aggregator.demo.cluster import Cluster
from aggregator.demo.incidents import Incident
from aggregator.demo.line import Line


class Background:
    """Makes up lines of machines; each call returns the lines of one happening."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random

    def syslog(self, moment: float) -> list[Line]:
        """Somebody logs in, a timer runs, a clock is set, on any host."""
        host = self._random.choice(self._cluster.hosts)
        number = self._random.randrange
        pid, user = number(300, 32_000), self._random.choice(cast.ADMINS)
        guess = f"{cast.client_address(number(1500))} port {number(30_000, 60_000)}"
        happening = self._random.choice(
            (
                (f"sshd[{pid}]", f"Accepted publickey for {user} from 192.0.2.5 port {number(30_000, 60_000)} ssh2"),
                (f"sshd[{pid}]", f"Invalid user admin from {guess}"),
                (f"CRON[{pid}]", "(root) CMD (test -x /usr/sbin/anacron || run-parts --report /etc/cron.hourly)"),
                ("systemd[1]", "Starting logrotate.service - Rotate log files..."),
                ("systemd[1]", "Finished apt-daily.service - Daily apt download activities."),
                (f"systemd[{pid}]", f"Started session-{number(100, 900)}.scope - Session of User {user}."),
                ("chronyd[611]", f"Selected source 192.0.2.{number(240, 250)} (ntp.example.net)"),
                (f"sudo[{pid}]", f"{user} : PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/systemctl status nginx"),
                ("kernel", f"[{moment % 10**6:.6f}] eth0: Link is Up - 10Gbps/Full - flow control rx/tx"),
                (f"node_exporter[{900}]", 'level=info msg="scrape finished" collector=filesystem took=0.004s'),
            )
        )
        return [self._line(host, moment, *happening)]

    def checkpoint(self, moment: float) -> list[Line]:
        """PostgreSQL writes its buffers."""
        db, buffers = self._random.choice(self._cluster.db), self._random.randrange(40, 4000)
        text = f"checkpoint complete: wrote {buffers} buffers ({buffers / 163.84:.1f}%); write=26.917 s, sync=0.004 s"
        return [
            Line(moment, db, "postgres", f"{stamps.postgres(moment)} [611] LOG:  checkpoint starting: time"),
            Line(moment + 0.9, db, "postgres", f"{stamps.postgres(moment + 0.9)} [611] LOG:  {text}"),
        ]

    def nginx_notice(self, moment: float) -> list[Line]:
        """A client that goes away, an upstream that buffers."""
        web, client = self._random.choice(self._cluster.web), cast.client_address(self._random.randrange(1500))
        ((level, text),) = self._random.choices(
            (
                ("info", "client closed connection while waiting for request"),
                ("warn", "an upstream response is buffered to a temporary file /var/cache/nginx/proxy/7/02/0000000027"),
                ("error", 'open() "/srv/www/apple-touch-icon.png" failed (2: No such file or directory)'),
            ),
            (75, 23, 2),
        )
        place = f"{stamps.nginx_error(moment)} [{level}] 812#812: *{self._random.randrange(10**4)}"
        return [Line(moment, web, "nginx-errors", f"{place} {text}, client: {client}, server: {cast.SITE}")]

    def incident_begins(self, incident: Incident) -> list[Line]:
        """The machine's own first words on it."""
        moment, host = incident.start, incident.host
        if incident.kind == "gateway":
            text = f"{stamps.log4j(moment)} ERROR [health-1] o.e.p.Health - gateway is DOWN\n{traces.OUT_OF_MEMORY}"
            return [Line(moment, host, "payments", text)]
        if incident.kind == "workers":
            return [self._line(host, moment, "kernel", "TCP: request_sock_TCP: Possible SYN flooding on port 443.")]
        if incident.kind == "pool":
            text = "orders.service: Watchdog timeout (limit 30s)!"
            return [self._line(host, moment, "systemd[1]", text)]
        text = "blk_update_request: I/O error, dev nvme1n1, sector 41295872 op 0x1:(WRITE)"
        return [self._line(host, moment, "kernel", text)]

    def incident_ends(self, incident: Incident) -> list[Line]:
        """Somebody has done something about it."""
        unit = {"gateway": "payments", "pool": "orders", "locks": "postgresql", "workers": "nginx"}[incident.kind]
        return [self._line(incident.host, incident.end, "systemd[1]", f"Reloaded {unit}.service.")]

    def _line(self, host: str, moment: float, program: str, text: str) -> Line:
        stamp = stamps.stamp_of_syslog(host)(moment)
        return Line(moment, host, "syslog", f"{stamp} {host} {program}: {text}")
