import { BrokenMp4 } from './boxes';
import { unitedConfig } from './parameter-sets';

/** Behind a header and three bytes: the number, as H.264 counts: `1` is 0, `010` is 1, `000010 0000` is 31. */
const SPS = (id: 0 | 1 | 31, level = 30): Buffer =>
  Buffer.from([0x67, 100, 0, level, ...{ 0: [0x80], 1: [0x40], 31: [0x04, 0x00] }[id], 0xaa]);
const PPS = (id: 0 | 1 | 31): Buffer =>
  Buffer.from([0x68, ...{ 0: [0x80], 1: [0x40], 31: [0x04, 0x00] }[id], 0xbb]);

const withLength = (set: Buffer): Buffer => Buffer.concat([Buffer.from([0, set.length]), set]);
function config(
  sps: Buffer[],
  pps: Buffer[],
  { profile = 100, compatible = 0, level = 30, lengthBytes = 4 } = {},
) {
  return Buffer.concat([
    Buffer.from([1, profile, compatible, level, 0xfc | (lengthBytes - 1), 0xe0 | sps.length]),
    ...sps.map(withLength),
    Buffer.from([pps.length]),
    ...pps.map(withLength),
  ]);
}

describe('the parameter sets of several pieces', () => {
  it('stand beside each other under their numbers', () => {
    const united = unitedConfig([config([SPS(0)], [PPS(0)]), config([SPS(31)], [PPS(31)])]);
    expect(united).toEqual(config([SPS(0), SPS(31)], [PPS(0), PPS(31)]));
  });

  it('stand there once where pieces have the same', () => {
    const one = config([SPS(0)], [PPS(0)]);
    expect(unitedConfig([one, one, one])).toEqual(one);
  });

  it('promise the highest profile and level, and only what all of them are compatible with', () => {
    const united = unitedConfig([
      config([SPS(0)], [PPS(0)], { profile: 77, compatible: 0xc0, level: 31 }),
      config([SPS(1)], [PPS(1)], { profile: 100, compatible: 0x40, level: 30 }),
    ]);
    expect([...united.subarray(1, 4)]).toEqual([100, 0x40, 31]);
  });

  it('keep what high profiles add', () => {
    const high = Buffer.concat([config([SPS(0)], [PPS(0)]), Buffer.from([0xfd, 0xf8, 0xf8, 0])]);
    expect(unitedConfig([high, config([SPS(1)], [PPS(1)])]).subarray(-4)).toEqual(high.subarray(-4));
  });

  it.each<[string, Buffer[], RegExp]>([
    ['different ones of one number', [config([SPS(0)], []), config([SPS(0, 31)], [])], /have the number 0/],
    [
      'lengths of another length',
      [config([SPS(0)], []), config([SPS(1)], [], { lengthBytes: 2 })],
      /lengths in different ways/,
    ],
    ['one that is cut off', [config([SPS(0)], []).subarray(0, 9)], /cut off/],
    ['none', [], /no parameter sets/],
  ])('are refused: %s', (_case, configs, reason) => {
    expect(() => unitedConfig(configs)).toThrow(BrokenMp4);
    expect(() => unitedConfig(configs)).toThrow(reason);
  });
});
