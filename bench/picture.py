"""The evening as a picture: RSS and live bytes over time, as SVG without anything from outside. It is readable on light and on
dark pages: colours follow prefers-color-scheme, and there is no background of its own."""

from xml.sax.saxutils import escape

MIB = 1024 * 1024
WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 46, 44
NAMES = {"kubo": "Kubo", "masu": "masu"}

STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8c959f; stroke-opacity: .35 }
.budget { stroke: #cf222e; stroke-dasharray: 6 4 }
.rss, .live { fill: none; stroke-width: 2; stroke-linejoin: round }
.live { stroke-width: 1.5; stroke-dasharray: 2 3 }
.kubo { stroke: #0969da } .masu { stroke: #9a5b00 }
text.kubo { fill: #0969da; stroke: none } text.masu { fill: #9a5b00; stroke: none } text.budget { fill: #cf222e; stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #d1d7e0 }
  .kubo { stroke: #58a6ff } .masu { stroke: #e3a857 } .budget { stroke: #ff7b72 }
  text.kubo { fill: #58a6ff } text.masu { fill: #e3a857 } text.budget { fill: #ff7b72 }
}"""


def nice_step(top, most=6):
    """The smallest of 1, 2, 5, 10, 20, … that divides `top` into at most `most` parts."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if top / (step * factor) <= most:
                return step * factor
        step *= 10


def thinned(points, pieces=420):
    """At most two points for each piece of time: its lowest and its highest, in their order, so that no peak is lost."""
    points = [tuple(point) for point in points]  # of JSON they are lists
    if len(points) <= 2 * pieces:
        return points
    begin, end = points[0][0], points[-1][0]
    groups = {}
    for point in points:
        groups.setdefault(int((point[0] - begin) / (end - begin + 1e-9) * pieces), []).append(point)
    kept = []
    for _, group in sorted(groups.items()):
        kept += sorted({min(group, key=lambda p: p[1]), max(group, key=lambda p: p[1])})
    return kept


class Plot:
    def __init__(self, seconds, top):
        self.seconds, self.top = seconds, top
        self.parts = []

    def x(self, second):
        return LEFT + (WIDTH - LEFT - RIGHT) * min(second, self.seconds) / self.seconds

    def y(self, size):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / self.top

    def text(self, x, y, text, anchor="start", classes=""):
        kind = f' class="{classes}"' if classes else ""
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, classes):
        self.parts.append(f'<line class="{classes}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def curve(self, points, classes):
        path = " ".join(f"{self.x(second):.1f},{self.y(size):.1f}" for second, size in thinned(points))
        self.parts.append(f'<polyline class="{classes}" points="{path}"/>')

    def axes(self):
        step = nice_step(self.top / MIB)
        for mark in range(0, int(self.top / MIB) + 1, step):
            y = self.y(mark * MIB)
            self.line(LEFT, y, WIDTH - RIGHT, y, "grid")
            self.text(LEFT - 8, y + 4, str(mark), "end")
        minutes = self.seconds / 60
        step = nice_step(minutes, 12) if minutes >= 2 else 0.5
        mark = 0
        while mark <= minutes:
            self.text(self.x(mark * 60), HEIGHT - BOTTOM + 18, f"{mark:g}", "middle")
            mark += step
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "minutes", "middle")
        self.text(LEFT - 8, TOP - 12, "MiB", "end")

    def labels(self, marks):
        """(y, text, classes) beside the curves' ends, moved apart where they would touch."""
        below = TOP
        for y, text, classes in sorted(marks):
            below = max(y, below + 17)
            self.text(WIDTH - RIGHT + 8, below + 4, text, classes=classes)

    def svg(self, title, description):
        body = "\n".join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">\n'
                f'<title id="t">{escape(title)}</title>\n<desc id="d">{escape(description)}</desc>\n'
                f"<style>\n{STYLE}\n</style>\n"
                f'<text class="title" x="{LEFT}" y="20">{escape(title)}</text>\n{body}\n</svg>\n')


def evening(results, budget_bytes):
    """`results` as evening.py makes them: a name (masu, kubo) and its curves in bytes over seconds."""
    seconds = max(result["rss"][-1][0] for result in results.values())
    top = 1.08 * max([budget_bytes] + [result["rss_peak"] for result in results.values()])
    plot = Plot(seconds, top)
    plot.axes()
    marks = [(plot.y(budget_bytes), "masu's budget", "budget")]
    plot.line(LEFT, plot.y(budget_bytes), WIDTH - RIGHT, plot.y(budget_bytes), "budget")
    told = []
    for name, result in results.items():
        plot.curve(result["rss"], f"rss {name}")
        plot.curve(result["live"], f"live {name}")
        shown = NAMES.get(name, name)
        marks.append((plot.y(result["rss"][-1][1]), f"{shown}: RSS", name))
        marks.append((plot.y(result["live"][-1][1]), f"{shown}: live (dotted)", name))
        told.append(f"{shown}: RSS at most {result['rss_peak'] / MIB:.0f} MiB, of which {result['live_at_peak'] / MIB:.0f} live")
    gone = plot.x(max(result["last_left_second"] for result in results.values()))
    plot.line(gone, TOP, gone, HEIGHT - BOTTOM, "grid")
    plot.text(gone - 4, TOP + 10, "all have left", "end")
    plot.labels(marks)
    return plot.svg("An evening in the swarm: resident memory, and what is live", "; ".join(told))
