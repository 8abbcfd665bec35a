"""The yardstick: two warm processes of Pillow, the same photos, quality, profile and orientation."""
import json
import multiprocessing
import os
import sys
import tempfile
import time

from PIL import Image


def compress(job):
    path, quality, out = job
    with Image.open(path) as image:
        keep = {}
        if "icc_profile" in image.info:
            keep["icc_profile"] = image.info["icc_profile"]
        exif = Image.Exif()
        exif[0x0112] = image.getexif().get(0x0112, 1)
        image.save(out, "JPEG", quality=quality, exif=exif, **keep)
    return os.path.getsize(out)


def main():
    quality, paths = int(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder, multiprocessing.Pool(2) as pool:
        jobs = [(path, quality, os.path.join(folder, f"{n}.jpg")) for n, path in enumerate(paths)]
        for _ in sys.stdin:
            started = time.perf_counter()
            done = pool.map(compress, jobs, chunksize=1)
            wall = time.perf_counter() - started
            print(json.dumps({"wall_seconds": wall, "bytes": sum(done)}), flush=True)


if __name__ == "__main__":
    main()
