import type { CelerySource } from '../support/celery';

/** What the systems that we replace do: a task per image, fetched, saved by Pillow, the result noted in Redis. */
export const IMAGE_TASKS: CelerySource = {
  packages: ['python3-pil'],
  tasks: `
import io, os, urllib.request
from PIL import Image

@app.task
def compress(url, quality, out):
    with urllib.request.urlopen(url) as answer:
        data = answer.read()
    with Image.open(io.BytesIO(data)) as image:
        keep = {}
        if 'icc_profile' in image.info:
            keep['icc_profile'] = image.info['icc_profile']
        image.save(out, 'JPEG', quality=quality, **keep)
    return {'before': len(data), 'after': os.path.getsize(out)}
`,
  producer: `
import os, sys, tempfile, time
from tasks import compress
base, count, quality = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with tempfile.TemporaryDirectory() as folder:
    start = time.time()
    results = [compress.delay(f'{base}/{n}.jpg', quality, os.path.join(folder, f'{n}.jpg')) for n in range(count)]
    done = [result.get(timeout=600) for result in results]
    seconds = time.time() - start
    assert all(one['after'] < one['before'] for one in done)
print(seconds)
`,
};
