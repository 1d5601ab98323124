# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web shop that forgets to let go of its sessions.

Serves on a port of the loopback, works a real load from itself first, then
writes one line to standard output, "ready PORT SESSION", where SESSION is an
address as it stands in any log (<__main__.Session object at 0x...>).  It ends
when its standard input does.
"""

import collections
import functools
import http.client
import http.server
import json
import os
import sys
import threading
import urllib.parse

REQUESTS = int(os.environ.get("DEMO_REQUESTS", "2000"))


class Price:
    """Many, small, slotted."""

    __slots__ = ("amount", "currency")

    def __init__(self, amount, currency):
        self.amount = amount
        self.currency = currency


class Product:
    """Some, with a dictionary."""

    def __init__(self, number):
        self.number = number
        self.name = "product %d" % number
        self.price = Price(number * 1.19, "EUR")
        self.tags = ["tag%d" % (number % k) for k in (3, 5, 7)]


class Event:
    __slots__ = ("path", "user", "size")

    def __init__(self, path, user, size):
        self.path = path
        self.user = user
        self.size = size


class Session:
    """One per visit; nobody ever takes it off the list: the leak."""

    def __init__(self, user, headers):
        self.user = user
        self.headers = dict(headers)
        self.basket = []
        self.history = collections.deque(maxlen=50)


class Shop:
    def __init__(self):
        self.lock = threading.Lock()
        self.products = {n: Product(n) for n in range(500)}
        self.sessions = []
        self.by_user = {}
        self.rendered = {}
        self.served = 0

    @functools.lru_cache(maxsize=None)
    def search(self, words):
        return [p for p in self.products.values() if words in p.name]

    def page(self, path, user, headers):
        with self.lock:
            self.served += 1
            session = Session(user, headers)
            self.sessions.append(session)
            self.by_user[user] = session
        query = urllib.parse.urlsplit(path).query
        words = urllib.parse.parse_qs(query).get("q", [""])[0]
        found = self.search(words)
        session.basket.extend(found[:3])
        body = self.rendered.get(path)
        if body is None:
            rows = [{"name": p.name, "price": p.price.amount, "tags": p.tags}
                    for p in found]
            body = self.rendered[path] = json.dumps(rows).encode()
        session.history.append(Event(path, user, len(body)))
        return body


SHOP = Shop()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/stats":
            body = json.dumps({"served": SHOP.served,
                               "sessions": len(SHOP.sessions)}).encode()
        else:
            user = self.headers.get("X-User", "anonymous")
            body = SHOP.page(self.path, user, self.headers.items())
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def work(port):
    """A real load over real sockets, from several clients at once."""

    def client(first):
        link = http.client.HTTPConnection("127.0.0.1", port)
        for n in range(first, REQUESTS, 4):
            link.request("GET", "/search?q=%d" % (n % 200),
                         headers={"X-User": "user%d" % n})
            link.getresponse().read()
        link.close()

    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()


def let_a_debugger_in():
    """Where Yama lets only a parent trace, ask for everyone."""
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as f:
            if f.read().strip() != "1":
                return
        import ctypes
        pr_set_ptracer, anyone = 0x59616D61, ctypes.c_ulong(-1)
        ctypes.CDLL(None).prctl(pr_set_ptracer, anyone, 0, 0, 0)
    except (OSError, ImportError, AttributeError):
        pass


def main():
    let_a_debugger_in()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    work(port)
    session = SHOP.by_user["user%d" % (REQUESTS // 2)]
    print("ready", port, hex(id(session)), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
