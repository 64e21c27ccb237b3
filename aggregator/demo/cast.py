"""Who and what appears in the demo's logs. Made up; addresses are of RFC 5737 and RFC 3849, names of RFC 2606."""

from __future__ import annotations

from typing import Final

SITE: Final = "shop.example.org"

BROWSERS: Final = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "shop-app/4.2.1 (Android 14; de-CH)",
    "shop-app/4.2.0 (iOS 17.6; en-GB)",
    "curl/7.88.1",
)
BOTS: Final = (
    "Mozilla/5.0 (compatible; examplebot/2.1; +https://bot.example.com/about)",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
)
SCANNED: Final = (
    "/wp-login.php",
    "/.env",
    "/admin/config.php",
    "/.git/config",
    "/phpmyadmin/index.php",
    "/cgi-bin/luci",
    "/actuator/env",
)
PAGES: Final = (
    "/",
    "/about",
    "/basket",
    "/search?q=kettle",
    "/search?q=desk+lamp",
    "/search?q=caf%C3%A9",
    "/products/kettle-1-7l",
    "/products/desk-lamp-oak",
    "/products/rain-jacket-m",
    "/products/notebook-a5",
    "/products/espresso-cups",
    "/static/app.4f2c91.js",
    "/static/app.4f2c91.css",
    "/static/fonts/inter.woff2",
    "/static/img/hero-autumn.avif",
    "/favicon.ico",
    "/robots.txt",
)
PRODUCTS: Final = (
    ("kettle-1-7l", 3990),
    ("desk-lamp-oak", 8900),
    ("rain-jacket-m", 12900),
    ("notebook-a5", 1250),
    ("espresso-cups", 2480),
    ("wool-blanket", 7450),
    ("bread-knife", 3400),
    ("câble-usb-c", 990),
)
REFERERS: Final = ("-", "-", f"https://{SITE}/", f"https://{SITE}/basket", "https://search.example.net/")
ADMINS: Final = ("deploy", "backup", "ops")


def client_address(number: int) -> str:
    """One of some thousand visitors; every eighth of them has IPv6."""
    if number % 8 == 0:
        return f"2001:db8:{number % 97:x}:{number % 13:x}::{number:x}"
    network = "198.51.100" if number % 2 else "203.0.113"
    return f"{network}.{number % 253 + 1}"
