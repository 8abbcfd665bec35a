import type { CelerySource } from '../support/celery';

/** Submits no-op tasks and waits for every result: the seconds are from the first submit to the last result. */
export const NOOP_TASKS: CelerySource = {
  tasks: `
@app.task
def noop():
    return None
`,
  producer: `
import sys, time
from tasks import noop
noop.delay().get(timeout=60)
count = int(sys.argv[1])
start = time.time()
results = [noop.delay() for _ in range(count)]
for result in results:
    result.get(timeout=300)
print(time.time() - start)
`,
};
