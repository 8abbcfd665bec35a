import { PixelBudget } from './pixel-budget';

const NEVER = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the pixel budget', () => {
  it('lets work wait until there is room', async () => {
    const budget = new PixelBudget(100);
    const release = await budget.reserve(60, NEVER);
    const started = jest.fn();
    void budget.reserve(50, NEVER).then(started);
    await settled();
    expect(started).not.toHaveBeenCalled();
    release();
    await settled();
    expect(started).toHaveBeenCalled();
  });

  it('does not let small work overtake large work for ever', async () => {
    const budget = new PixelBudget(100);
    const release = await budget.reserve(60, NEVER);
    const order: string[] = [];
    void budget.reserve(90, NEVER).then((done) => (order.push('large'), done()));
    void budget.reserve(10, NEVER).then(() => order.push('small'));
    await settled();
    expect(order).toEqual([]);
    release();
    await settled();
    expect(order).toEqual(['large', 'small']);
  });

  it('lets work that is larger than the whole budget run alone', async () => {
    const budget = new PixelBudget(100);
    const release = await budget.reserve(1_000, NEVER);
    const started = jest.fn();
    void budget.reserve(1, NEVER).then(started);
    await settled();
    expect(started).not.toHaveBeenCalled();
    release();
    await settled();
    expect(started).toHaveBeenCalled();
  });

  it('forgets work that was aborted while it waited', async () => {
    const budget = new PixelBudget(100);
    const release = await budget.reserve(100, NEVER);
    const controller = new AbortController();
    const waiting = budget.reserve(100, controller.signal);
    const next = budget.reserve(40, NEVER);
    controller.abort(new Error('canceled'));
    await expect(waiting).rejects.toThrow('canceled');
    release();
    await expect(next).resolves.toBeInstanceOf(Function);
  });
});
