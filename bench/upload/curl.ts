import { spawn } from 'node:child_process';

interface Answer {
  status: number;
  /** Header names in lower case. */
  headers: ReadonlyMap<string, string>;
  body: string;
  seconds: number;
}

const MARK = '\nbench ';

/** One client for all contenders; it costs next to no processor time. @throws Error for another status than `expected` */
export async function curl(expected: number, args: readonly string[]): Promise<Answer> {
  const child = spawn('curl', ['-sS', '-i', '-H', 'Expect:', '-w', `${MARK}%{time_total}`, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const said = Buffer.concat(chunks).toString('latin1');
  const [answer, seconds] = [
    said.slice(0, said.lastIndexOf(MARK)),
    said.slice(said.lastIndexOf(MARK) + MARK.length),
  ];
  const [head = '', ...body] = answer.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const status = Number(first.split(' ')[1]);
  if (status !== expected)
    throw new Error(`curl ${args.at(-1)} answered ${first}: ${body.join('').slice(0, 300)}`);
  const headers = new Map(
    lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  return { status, headers, body: body.join('\r\n\r\n'), seconds: Number(seconds) };
}
