"""Panels of time against bytes, as SVG, by hand: a dependency less."""

import math

COLOURS = {
    "memcpy": "#8a8a8a",
    "viewbridge": "#c8321e",
    "NumPy": "#2a6fb0",
    "PyTorch": "#3c9a5f",
}
WIDTH, HEIGHT = 300, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 28, 34
ACROSS = 3


def size_name(size):
    for power, name in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):g} {name}"
    return f"{size:g} B"


def time_name(seconds):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if seconds >= unit * 0.999:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g}"


def panel(title, lines, times):
    """One panel at the origin; `times` are the decades of the axis that all panels share."""
    sizes = sorted({size for points in lines.values() for size, _ in points})
    low, high = math.log2(sizes[0]), math.log2(sizes[-1])
    x = lambda size: LEFT + (math.log2(size) - low) / (high - low) * (WIDTH - LEFT - RIGHT)  # noqa: E731
    y = lambda spent: HEIGHT - BOTTOM - (math.log10(spent) - times[0]) / (times[1] - times[0]) * (HEIGHT - TOP - BOTTOM)  # noqa: E731
    parts = [f'<text x="{LEFT}" y="16" class="title">{title.replace("&", "&amp;")}</text>']
    for decade in range(math.ceil(times[0]), math.floor(times[1]) + 1):
        at = y(10.0**decade)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{time_name(10.0**decade)}</text>')
    for power in range(math.ceil(low), math.floor(high + 0.01) + 1):
        if power % 4 == 0:
            at = x(2.0**power)
            parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="grid"/>')
            parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{size_name(2**power)}</text>')
    for who in COLOURS:
        if who not in lines:
            continue
        points = " ".join(f"{x(size):.1f},{y(spent):.1f}" for size, spent in lines[who])
        dash = ' stroke-dasharray="5 3"' if who == "memcpy" else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[who]}" stroke-width="1.8"{dash}/>')
    return "\n".join(parts)


def panels(found, machine):
    """`found`: title → contender → [(bytes, seconds)]."""
    spent = [s for lines in found.values() for who, points in lines.items() if who in COLOURS for _, s in points]
    times = (math.floor(math.log10(min(spent)) * 2) / 2, math.ceil(math.log10(max(spent)) * 2) / 2)
    down = -(-len(found) // ACROSS)
    width, height = ACROSS * WIDTH, down * HEIGHT + 64
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="10">',
        "<style>.grid{stroke:#e2e2e2;stroke-width:1}.title{font-size:12px;font-weight:bold}text{fill:#333}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="13">Time of a copy into row-major memory against the bytes written; one thread, destination warm</text>',
    ]
    at = LEFT
    for who, colour in COLOURS.items():
        dash = ' stroke-dasharray="5 3"' if who == "memcpy" else ""
        out.append(f'<line x1="{at}" x2="{at + 24}" y1="36" y2="36" stroke="{colour}" stroke-width="2.2"{dash}/>')
        name = "memcpy of the same bytes" if who == "memcpy" else who
        out.append(f'<text x="{at + 29}" y="39.5" font-size="11">{name}</text>')
        at += 40 + 7 * len(name)
    for k, (title, lines) in enumerate(found.items()):
        left, top = k % ACROSS * WIDTH, k // ACROSS * HEIGHT + 50
        out.append(f'<g transform="translate({left},{top})">{panel(title, lines, times)}</g>')
    out.append(f'<text x="{LEFT}" y="{height - 4}">{machine}</text>')
    out.append("</svg>\n")
    return "\n".join(out)
