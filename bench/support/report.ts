/** A figure that a bench must reach. Ratios of one run, so that machines can be compared. */
export interface Gate {
  name: string;
  actual: number;
  /** Worst value that passes. */
  gate: number;
  /** Value that we aim for, where it differs from the gate. */
  goal?: number;
  better: 'lower' | 'higher';
}

export interface BenchResult {
  bench: string;
  gates: Gate[];
  /** Anything else worth keeping, by name with its unit, such as `{ p99_ms: 6.3 }`. */
  figures: Record<string, number | string>;
}

type Cell = string | number;

/** An aligned Markdown table: readable in a terminal and in a file. */
export function table(headers: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [headers, ...rows].map((row) => row.map((cell) => String(cell)));
  const widths = headers.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]): string =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [render(lines[0]!), rule, ...lines.slice(1).map(render)].join('\n');
}

export function meets(gate: Gate): boolean {
  return gate.better === 'lower' ? gate.actual <= gate.gate : gate.actual >= gate.gate;
}

/** Prints the gates as a table and the whole result as one JSON line, and sets the exit code when a gate is missed. */
export function report(result: BenchResult): void {
  const sign = (gate: Gate): string => (gate.better === 'lower' ? '<=' : '>=');
  const rows = result.gates.map((gate) => [
    gate.name,
    round(gate.actual),
    `${sign(gate)} ${gate.gate}`,
    gate.goal === undefined ? '' : `${sign(gate)} ${gate.goal}`,
    meets(gate) ? 'met' : 'MISSED',
  ]);
  process.stdout.write(`\n${table(['gate', 'actual', 'gate', 'goal', 'result'], rows)}\n\n`);
  const gates = result.gates.map((gate) => ({ ...gate, actual: round(gate.actual), met: meets(gate) }));
  process.stdout.write(`${JSON.stringify({ ...result, gates })}\n`);
  if (!result.gates.every(meets)) process.exitCode = 1;
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
