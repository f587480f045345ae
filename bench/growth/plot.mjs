/** Panels of lines on logarithmic axes as SVG text: where time grows in proportion, a line has the slope of the dotted one. Must not measure. */

const [WIDTH, HEIGHT, LEFT, TOP, GAP] = [260, 240, 56, 34, 28];
const COLOURS = ["#2563eb", "#dc2626", "#059669", "#9333ea"];

/** 1, 2, 5 times powers of ten within [low, high]. */
function ticks(low, high) {
  const all = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) all.push(...[1, 2, 5].map((m) => m * 10 ** e));
  return all.filter((t) => t >= low * 0.999 && t <= high * 1.001);
}

const scale = (low, high, from, to) => (v) => from + ((Math.log(v) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);
const fixed = (n) => n.toFixed(1);
const label = (x, y, text, more = "") => `<text x="${fixed(x)}" y="${fixed(y)}" ${more}>${text}</text>`;

function panel({ title, lines }, left, [low, high], first) {
  const xs = lines[0].points.map(([x]) => x);
  const X = scale(xs[0], xs.at(-1), left, left + WIDTH);
  const Y = scale(low, high, TOP + HEIGHT, TOP);
  const grid = ticks(low, high).map((t) => `<line x1="${left}" x2="${left + WIDTH}" y1="${fixed(Y(t))}" y2="${fixed(Y(t))}" class="grid"/>${first ? label(left - 6, Y(t) + 4, t, 'text-anchor="end"') : ""}`);
  const marks = xs.map((x) => label(X(x), TOP + HEIGHT + 16, x, 'text-anchor="middle"'));
  const curves = lines.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([x, y]) => `${fixed(X(x))},${fixed(Y(y))}`);
    const dots = path.map((p) => `<circle cx="${p.split(",")[0]}" cy="${p.split(",")[1]}" r="2.5" fill="${colour}"/>`).join("");
    return `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots}${first ? label(left + 8, TOP + 16 + 15 * i, name, `fill="${colour}"`) : ""}`;
  });
  // In proportion, through the last point of the last line.
  const [x1, y1] = lines.at(-1).points.at(-1);
  const x0 = Math.max(xs[0], (low / y1) * x1);
  const proportion = `<line x1="${fixed(X(x0))}" y1="${fixed(Y((y1 * x0) / x1))}" x2="${fixed(X(x1))}" y2="${fixed(Y(y1))}" class="proportion"/>`;
  return [`<rect x="${left}" y="${TOP}" width="${WIDTH}" height="${HEIGHT}" class="frame"/>`, label(left + WIDTH / 2, TOP - 10, title, 'text-anchor="middle" class="title"'), ...grid, ...marks, proportion, ...curves].join("\n");
}

/** `panels`: `{ title, lines: { name, points: [x, y][] }[] }[]`; all share the y axis. */
export function plot(panels, unit) {
  const values = panels.flatMap((p) => p.lines.flatMap((l) => l.points.map(([, y]) => y)));
  const range = [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  const width = LEFT + panels.length * (WIDTH + GAP);
  const style = "text{font:11px sans-serif;fill:#374151}.title{font-size:13px;font-weight:600}.frame{fill:none;stroke:#9ca3af}.grid{stroke:#e5e7eb}.proportion{stroke:#9ca3af;stroke-dasharray:2 3}";
  const body = panels.map((p, i) => panel(p, LEFT + i * (WIDTH + GAP), range, i === 0)).join("\n");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${TOP + HEIGHT + 28}" width="${width}">\n<style>${style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n${label(14, TOP + HEIGHT / 2, unit, `text-anchor="middle" transform="rotate(-90 14 ${TOP + HEIGHT / 2})"`)}\n${body}\n</svg>\n`;
}
