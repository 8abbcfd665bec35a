import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from './compose';

export interface Instruction {
  word: string;
  rest: string;
}

export interface Stage {
  name: string;
  from: string;
  instructions: Instruction[];
}

/** The Dockerfile as stages in order; comments gone, continued lines joined. */
export function readDockerfile(): Map<string, Stage> {
  const text = readFileSync(resolve(ROOT, 'Dockerfile'), 'utf8');
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const line of lines) {
    const [, word, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (!word || rest === undefined) throw new Error(`not an instruction: ${line}`);
    if (word === 'FROM') {
      const [from, as, name] = rest.split(/\s+/);
      if (as !== 'AS' || !from || !name) throw new Error(`a stage without a name: ${line}`);
      stage = { name, from, instructions: [] };
      stages.set(name, stage);
    } else {
      if (!stage) throw new Error(`an instruction before the first FROM: ${line}`);
      stage.instructions.push({ word, rest });
    }
  }
  return stages;
}

/** A stage's instructions with those of the stages that it is built on, in the order in which they apply. */
export function instructionsOf(stages: Map<string, Stage>, name: string): Instruction[] {
  const stage = stages.get(name);
  return stage ? [...instructionsOf(stages, stage.from), ...stage.instructions] : [];
}

export function lastOf(instructions: Instruction[], word: string): string | undefined {
  return instructions.findLast((instruction) => instruction.word === word)?.rest;
}

/** `ENV A=1 B=2` lines as one record; values without spaces only. */
export function environmentOf(instructions: Instruction[]): Record<string, string> {
  const pairs = instructions
    .filter((instruction) => instruction.word === 'ENV')
    .flatMap((instruction) => instruction.rest.split(/\s+/))
    .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  return Object.fromEntries(pairs);
}

/** An instruction in exec form, such as `CMD ["node", "main.js"]`. @throws when it is in shell form. */
export function execForm(rest: string): string[] {
  const value = JSON.parse(rest) as unknown;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new Error(`not in exec form: ${rest}`);
  return value;
}
