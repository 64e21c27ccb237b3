"""Takes docs/screenshot.png and docs/screenshot-dark.png from a running demo: `python -m bench.screenshot`."""

from __future__ import annotations

import base64
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
WIDTH, HEIGHT = 1400, 860
PATIENCE_MS = 60_000  # for an incident of the demo to be on the screen
SEEN = "document.querySelectorAll('.row.error, .row.critical').length >= 6"

# The 256 commonest colours of an image, and each pixel as the nearest of them: a third of the bytes.
QUANTISE = """async url => {
  const image = await createImageBitmap(await (await fetch(url)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([pixel]) => pixel);
  const parts = pixel => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];
  const colours = palette.map(parts);
  const nearest = new Map();
  for (const pixel of counts.keys()) {
    const wanted = parts(pixel);
    let best = Infinity;
    colours.forEach((colour, index) => {
      const distance = colour.reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0);
      if (distance < best) { best = distance; nearest.set(pixel, index); }
    });
  }
  const indices = Uint8Array.from(pixels, pixel => nearest.get(pixel));
  let text = "";
  for (let at = 0; at < indices.length; at += 8192) text += String.fromCharCode(...indices.subarray(at, at + 8192));
  return [colours.flat(), btoa(text)];
}"""


def main() -> None:
    command = [str(Path(sys.executable).with_name("tailon-agg")), "demo", "--bind", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stderr is not None
            url = next(found[0] for line in demo.stderr if (found := re.search(r"http://\S+", line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                take(browser, url)
        finally:
            demo.terminate()


def take(browser: Browser, url: str) -> None:
    """Both themes at the same moment."""
    pages: dict[str, Page] = {}
    for name, scheme in (("screenshot", "light"), ("screenshot-dark", "dark")):
        page = pages[name] = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            bypass_csp=True,  # or the waiting below may not be evaluated
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        page.goto(url)
    page.wait_for_function(SEEN, timeout=PATIENCE_MS)
    shots = {name: page.screenshot() for name, page in pages.items()}
    workshop = browser.new_page()
    for name, shot in shots.items():
        colours, pixels = workshop.evaluate(QUANTISE, f"data:image/png;base64,{base64.b64encode(shot).decode()}")
        (DOCS / f"{name}.png").write_bytes(png(bytes(colours), base64.b64decode(pixels)))


def png(palette: bytes, indices: bytes) -> bytes:
    """An image of at most 256 colours (PNG, W3C, colour type 3)."""
    rows = b"".join(b"\0" + indices[at : at + WIDTH] for at in range(0, len(indices), WIDTH))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


if __name__ == "__main__":
    main()
