"""Stack traces of the demo's programs, as their languages print them."""

from __future__ import annotations

from typing import Final

GATEWAY_TIMEOUT: Final = """\
org.example.payments.GatewayTimeoutException: no answer from card gateway within 3000 ms
\tat org.example.payments.CardGateway.authorise(CardGateway.java:118)
\tat org.example.payments.PaymentService.authorise(PaymentService.java:74)
\tat org.example.payments.web.PaymentController.create(PaymentController.java:41)
\tat java.base/java.lang.reflect.Method.invoke(Method.java:568)
\tat org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:205)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.net.SocketTimeoutException: Read timed out
\tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:288)
\tat java.base/sun.nio.ch.NioSocketImpl.implRead(NioSocketImpl.java:314)
\tat org.example.http.Client.send(Client.java:203)
\t... 6 more"""

OUT_OF_MEMORY: Final = """\
java.lang.OutOfMemoryError: Java heap space
\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)
\tat org.example.payments.Receipts.render(Receipts.java:57)
\tat org.example.payments.web.PaymentController.create(PaymentController.java:48)
\tat java.base/java.lang.Thread.run(Thread.java:840)"""

PAYMENT_FAILED: Final = """\
Traceback (most recent call last):
  File "/srv/orders/app/checkout.py", line 88, in place_order
    payment = await payments.authorise(order, timeout=3.0)
              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/orders/app/payments.py", line 37, in authorise
    response.raise_for_status()
  File "/srv/orders/app/http.py", line 112, in raise_for_status
    raise UpstreamError(self.status, self.url)
app.http.UpstreamError: 504 from http://payments.internal.example/authorise"""

POOL_EXHAUSTED: Final = """\
Traceback (most recent call last):
  File "/srv/orders/app/checkout.py", line 61, in place_order
    async with pool.acquire() as connection:
  File "/srv/orders/app/pool.py", line 143, in acquire
    raise PoolTimeout(self.size, waited)
app.pool.PoolTimeout: no database connection became free in 2.0 s (20 of 20 in use)"""

STATEMENT_CANCELED: Final = """\
Traceback (most recent call last):
  File "/srv/orders/app/checkout.py", line 70, in place_order
    await connection.execute(INSERT_ORDER, *values)
  File "/srv/orders/app/store.py", line 52, in execute
    raise StatementError(error.sqlstate, str(error)) from error
app.store.StatementError: 57014: canceling statement due to statement timeout"""
