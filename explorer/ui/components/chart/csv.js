// The numbers of a figure as CSV: one row a step, one column a line or a unit of a heatmap.

const plain = (html) => String(html ?? "").replace(/<sub>(.*?)<\/sub>/g, "_$1").replace(/<[^>]*>/g, "");
// A trace whose hover reads as a power of ten holds logarithms.
const named = (trace) => (/10<sup>%\{/.test(trace.hovertemplate) ? "log₁₀ " : "") + plain(trace.name);
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

// In the fewest digits that are the number of 32 bits: 0.1, not 0.10000000149011612.
function written(value) {
  if (typeof value !== "number" || Math.fround(value) !== value) return String(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

// Where a column and a row of a heatmap stand.
const column = (trace, k) => trace.x?.[k] ?? trace.x0 + k * (trace.dx ?? 1);
const level = (trace, k) => Number((trace.y?.[k] ?? trace.y0 + k * (trace.dy ?? 1)).toPrecision(6));

// Where x is no step, or a step has many points: one row a point.
function pointsToCSV(figure) {
  const rows = [["name", "x", "y", "value", "label"]];
  for (const trace of figure.data) {
    const name = named(trace);
    if (trace.type === "heatmap") {
      trace.z.forEach((row, m) => row.forEach((value, n) => rows.push([name, column(trace, n), level(trace, m), value, ""])));
    } else {
      trace.x.forEach((x, n) => Number.isNaN(x) || rows.push([name, x, trace.y[n], trace.customdata?.[n] ?? "", trace.text?.[n] ?? ""]));
    }
  }
  return rows.map((row) => row.map((cell) => quoted(written(cell))).join(",")).join("\n") + "\n";
}

export function toCSV(figure) {
  if (!figure.layout.meta?.cursor || figure.layout.meta.csv === "points") return pointsToCSV(figure);
  const columns = new Map();
  const put = (name, x, value) => {
    if (!columns.has(name)) columns.set(name, new Map());
    columns.get(name).set(x, value);
  };
  for (const trace of figure.data) {
    if (trace.meta?.drawing) continue; // a shading of numbers that a line holds
    const name = named(trace);
    if (trace.type === "heatmap") {
      trace.z.forEach((row, unit) => row.forEach((value, k) => put(`${name}[${level(trace, unit)}]`, column(trace, k), value)));
    } else {
      const y = trace.customdata ?? trace.y;
      trace.x.forEach((x, k) => put(name, x, y[k]));
    }
  }
  const steps = [...new Set([...columns.values()].flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  const head = [figure.layout.meta?.column ?? "t", ...columns.keys()].map(quoted).join(",");
  const rows = steps.map((step) => [step, ...[...columns.values()].map((column) => written(column.get(step) ?? ""))].join(","));
  return [head, ...rows].join("\n") + "\n";
}
