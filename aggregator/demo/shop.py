"""Requests to the demo's shop. One request id goes from nginx over orders and payments to PostgreSQL."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from aggregator.demo import cast, stamps, traces
from aggregator.demo.cluster import Cluster
from aggregator.demo.incidents import Incidents, Kind
from aggregator.demo.line import Line


class Shop:
    """Makes up requests; each call returns all lines of one request, in no special order."""

    def __init__(self, cluster: Cluster, random: Random, incidents: Incidents) -> None:
        self._cluster = cluster
        self._random = random
        self._incidents = incidents
        self._order_number = 48_200
        self._connection = 7_000

    def page(self, start: float) -> list[Line]:
        """A page, a picture, a script: nginx answers alone."""
        pick = self._random.choice
        web, path = pick(self._cluster.web), pick(cast.PAGES)
        failed = self._incidents.strikes(start, web) == "workers"
        status = 503 if failed else self._random.choices((200, 304, 301, 404), (80, 15, 3, 2))[0]
        size = 0 if status == 304 else self._random.randrange(400, 90_000)
        lines = [self._access(web, start, 0.002, f"GET {path}", status, size, "-")]
        return [*lines, self._no_workers(web, start, path)] if failed else lines

    def scan(self, start: float) -> list[Line]:
        """Somebody who looks for another kind of shop."""
        pick = self._random.choice
        web, path = pick(self._cluster.web), pick(cast.SCANNED)
        return [self._access(web, start, 0.001, f"GET {path}", 404, 153, "-", agent=pick(cast.BOTS))]

    def browse(self, start: float) -> list[Line]:
        """A product is looked up: nginx, orders, sometimes a slow statement in PostgreSQL."""
        pick, random = self._random.choice, self._random.random
        web, app, db = pick(self._cluster.web), pick(self._cluster.app), pick(self._cluster.db)
        request, (product, _) = self._request_id(), pick(cast.PRODUCTS)
        took = 0.008 + random() ** 4 * 0.4
        path = f"/api/products/{product}"
        facts = {"request_id": request, "product": product, "cache": "hit" if took < 0.05 else "miss"}
        lines = [
            self._access(web, start + took, took, f"GET {path}", 200, self._random.randrange(700, 4000), request),
            self._orders(app, start + took * 0.9, "debug", "product looked up", facts, took * 0.8),
        ]
        if took > 0.2:
            statement = f"SELECT * FROM products WHERE slug = '{product}' /* {request} */"
            lines.append(self._slow(db, start + took * 0.8, took * 0.6, statement))
        return lines

    def order(self, start: float) -> list[Line]:
        """An order is placed: nginx, orders, payments, PostgreSQL; fails in the incidents' ways."""
        pick = self._random.choice
        web, app, db = pick(self._cluster.web), pick(self._cluster.app), pick(self._cluster.db)
        trouble = self._incidents.strikes(start, web, app, db)
        request = self._request_id()
        self._order_number += 1
        number = f"ord-{self._order_number}"
        if trouble == "workers":
            lines = [self._access(web, start, 0.001, "POST /api/orders", 503, 190, request)]
            return [*lines, self._no_workers(web, start, "/api/orders")]
        customer = f"c-{self._random.randrange(1000, 9999)}"
        product, cents = pick(cast.PRODUCTS)
        facts = {"request_id": request, "order": number, "customer": customer, "product": product, "cents": cents}
        received = self._orders(app, start + 0.003, "info", "order received", facts)
        if trouble is not None:
            return [received, *self._failed_order(trouble, start, (web, app, db), request, number)]
        return [received, *self._good_order(start, (web, app, db), request, number, cents)]

    def _good_order(
        self, start: float, hosts: tuple[str, str, str], request: str, number: str, cents: int
    ) -> list[Line]:
        web, app, db = hosts
        took = 0.05 + self._random.random() ** 3 * 0.9
        card = self._payment(app, start + 0.01, "INFO", "o.e.p.CardGateway", f"[{request}] authorising {number}")
        insert = f"INSERT INTO orders (id, cents) VALUES ('{number}', {cents}) /* {request} */"
        facts = {"request_id": request, "order": number}
        lines = [card]
        if self._random.random() < 0.03:
            text = f"[{request}] {number} declined: insufficient funds"
            lines.append(self._payment(app, start + took * 0.7, "WARN", "o.e.p.PaymentService", text))
            lines.append(self._orders(app, start + took * 0.8, "warning", "payment declined", facts, took * 0.8))
            return [*lines, self._access(web, start + took, took, "POST /api/orders", 402, 212, request)]
        text = f"[{request}] {number} captured {cents / 100:.2f} EUR in {took * 600:.0f} ms"
        lines.append(self._payment(app, start + took * 0.7, "INFO", "o.e.p.PaymentService", text))
        lines.append(self._slow(db, start + took * 0.8, took * 0.09, insert))
        lines.append(self._orders(app, start + took * 0.9, "info", "order confirmed", facts, took * 0.9))
        return [*lines, self._access(web, start + took, took, "POST /api/orders", 201, 318, request)]

    def _failed_order(
        self, trouble: Kind, start: float, hosts: tuple[str, str, str], request: str, number: str
    ) -> list[Line]:
        web, app, db = hosts
        facts = {"request_id": request, "order": number}
        if trouble == "gateway":
            took, status, trace = 3.02, 504, traces.PAYMENT_FAILED
            text = f"[{request}] authorisation of {number} failed\n{traces.GATEWAY_TIMEOUT}"
            extra = [
                self._payment(app, start + 3.0, "ERROR", "o.e.p.CardGateway", text),
                self._upstream_timed_out(web, start + took, app),
            ]
        elif trouble == "pool":
            took, status, trace = 2.01, 500, traces.POOL_EXHAUSTED
            extra = []
        else:
            took, status, trace = 1.51, 500, traces.STATEMENT_CANCELED
            extra = [self._canceled(db, start + 1.5, f"INSERT INTO orders (id) VALUES ('{number}') /* {request} */")]
        failure = self._orders(app, start + took, "error", f"order failed: {trace.rpartition(chr(10))[2]}", facts, took)
        failure = failure._replace(text=f"{failure.text}\n{trace}")
        access = self._access(web, start + took + 0.01, took, "POST /api/orders", status, 167, request)
        return [*extra, failure, access]

    def _request_id(self) -> str:
        return f"req-{self._random.getrandbits(48):012x}"

    def _access(
        self,
        web: str,
        end: float,
        took: float,
        request: str,
        status: int,
        size: int,
        identity: str,
        agent: str | None = None,
    ) -> Line:
        pick = self._random.choice
        client = cast.client_address(self._random.randrange(1500))
        text = (
            f'{client} - - [{stamps.nginx_access(end)}] "{request} HTTP/1.1" {status} {size} '
            f'"{pick(cast.REFERERS)}" "{agent or pick(cast.BROWSERS)}" rt={took:.3f} id={identity}'
        )
        return Line(end, web, "nginx", text)

    def _nginx_error(self, web: str, moment: float, level: str, text: str) -> Line:
        self._connection += 1
        client = cast.client_address(self._random.randrange(1500))
        place = f"{stamps.nginx_error(moment)} [{level}] 812#812: *{self._connection}"
        return Line(moment, web, "nginx-errors", f"{place} {text}, client: {client}, server: {cast.SITE}")

    def _no_workers(self, web: str, moment: float, path: str) -> Line:
        text = f'1024 worker_connections are not enough, request: "GET {path} HTTP/1.1"'
        return self._nginx_error(web, moment, "alert", text)

    def _upstream_timed_out(self, web: str, moment: float, app: str) -> Line:
        upstream = f'upstream: "http://{self._cluster.address(app)}:8080/api/orders"'
        text = "upstream timed out (110: Connection timed out) while reading response header from upstream"
        return self._nginx_error(web, moment, "error", f"{text}, {upstream}")

    def _orders(
        self, app: str, moment: float, level: str, text: str, facts: dict[str, Any], took: float | None = None
    ) -> Line:
        record: dict[str, Any] = {"time": stamps.json_time(moment), "level": level, "msg": text, **facts}
        if took is not None:
            record["took_ms"] = round(took * 1000, 1)
        return Line(moment, app, "orders", json.dumps(record, ensure_ascii=False))

    def _payment(self, app: str, moment: float, level: str, logger: str, text: str) -> Line:
        thread = f"http-nio-8080-exec-{self._random.randrange(1, 11)}"
        return Line(moment, app, "payments", f"{stamps.log4j(moment)} {level:5} [{thread}] {logger} - {text}")

    def _slow(self, db: str, moment: float, took: float, statement: str) -> Line:
        place = f"{stamps.postgres(moment)} [{self._random.randrange(2100, 2140)}] shop@shop"
        return Line(moment, db, "postgres", f"{place} LOG:  duration: {took * 1000:.3f} ms  statement: {statement}")

    def _canceled(self, db: str, moment: float, statement: str) -> Line:
        place = f"{stamps.postgres(moment)} [{self._random.randrange(2100, 2140)}] shop@shop"
        text = f"{place} ERROR:  canceling statement due to statement timeout\n{place} STATEMENT:  {statement}"
        return Line(moment, db, "postgres", text)
