import type { LookupAddress } from 'node:dns';
import { HostNames } from '@mediakiln/net';

/** A DNS that says what a test wants, and of other names what the system says. */
export class ScriptedNames extends HostNames {
  private readonly answers = new Map<string, LookupAddress[][]>();
  readonly asked: string[] = [];

  /** Answers one after the other, the last one for ever. */
  set(host: string, ...answers: string[][]): void {
    this.answers.set(
      host,
      answers.map((addresses) =>
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    );
  }

  override addressesOf(host: string): Promise<LookupAddress[]> {
    this.asked.push(host);
    const answers = this.answers.get(host);
    if (!answers) return super.addressesOf(host);
    return Promise.resolve(answers.length > 1 ? answers.shift()! : answers[0]!);
  }
}
